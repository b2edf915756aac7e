//! The process around switch-core: configuration, driver, admin HTTP.
