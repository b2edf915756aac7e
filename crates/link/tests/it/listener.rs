//! Who becomes a link over real TLS and who does not, and what happens to links when certificates change.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use link::authority::{Authority, Terms};
use link::connection::{CloseReason, Command};
use link::listener::{HandshakeFailure, Limits, ListenError, Listener, ListenerEvent, UntilThen};
use link::tls::{ClientFiles, ServerFiles, TlsError, Versions, client_config};
use rcgen::ExtendedKeyUsagePurpose;
use rustls::client::Resumption;
use rustls::{ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Switch, call, call_with, is_hung_up, name, soon};

const DAY: Duration = Duration::from_hours(24);

/// Waits until the listener has new files in use.
async fn reloaded(switch: &mut Switch) {
    switch.event("new files", |event| matches!(event, ListenerEvent::Reloaded { .. }).then_some(())).await;
}

async fn failed(switch: &mut Switch) -> (TlsError, UntilThen) {
    switch
        .event("a failure to reload", |event| match event {
            ListenerEvent::ReloadFailed { error, until_then } => Some((error, until_then)),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_good_certificate_names_its_station() {
    let mut switch = Switch::new().await;
    let stream = call(switch.address, &switch.files("ZA")).await.unwrap();
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let peer = switch.accepted().await;
    assert_eq!(peer.station, name("ZA"));
    assert_eq!(peer.address, stream.get_ref().0.local_addr().unwrap());
    let issued = switch.authority.list().unwrap();
    assert!(issued.iter().any(|issued| issued.serial == peer.serial && issued.holding.to_string() == "ZA"));
}

#[tokio::test]
async fn no_certificate_is_refused() {
    let mut switch = Switch::new().await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(switch.pki().join("ca.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    assert!(is_hung_up(call_with(switch.address, Arc::new(config)).await).await);
    assert_eq!(switch.refused().await, HandshakeFailure::NoCertificate);
}

#[tokio::test]
async fn a_foreign_certificate_is_refused() {
    let mut switch = Switch::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let foreign = Authority::init(elsewhere.path(), Terms::default(), &[], Timestamp::now()).unwrap();
    foreign.issue(name("ZA"), Timestamp::now()).unwrap();
    let files =
        ClientFiles { ca: switch.pki().join("ca.pem"), ..ClientFiles::in_directory(elsewhere.path(), name("ZA")) };
    assert!(is_hung_up(call(switch.address, &files).await).await);
    assert_eq!(switch.refused().await, HandshakeFailure::UnknownAuthority);
}

#[tokio::test]
async fn a_certificate_that_has_run_out_or_does_not_hold_yet_is_refused() {
    let mut switch = Switch::new().await;
    switch.authority.issue(name("OLD"), Timestamp::now() - 500 * DAY).unwrap();
    switch.authority.issue(name("NEW"), Timestamp::now() + DAY).unwrap();
    for station in ["OLD", "NEW"] {
        assert!(is_hung_up(call(switch.address, &switch.files(station)).await).await);
        assert_eq!(switch.refused().await, HandshakeFailure::NotValidNow, "{station}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_a_clients_or_names_not_one_station_is_refused() {
    let mut switch = Switch::new().await;
    let (client, server) = (ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth);
    let one = "urn:orinet:station:ZA";
    for (uris, usage, why) in [
        (&[one][..], server, HandshakeFailure::Purpose),
        (&[one, "urn:orinet:station:ZB"], client.clone(), HandshakeFailure::Unnamed),
        (&[one, one], client.clone(), HandshakeFailure::Unnamed),
        (&[], client.clone(), HandshakeFailure::Unnamed),
        (&["urn:orinet:station:za"], client.clone(), HandshakeFailure::Unnamed),
    ] {
        let files = switch.forge(uris, usage);
        assert!(is_hung_up(call(switch.address, &files).await).await);
        assert_eq!(switch.refused().await, why, "{uris:?}");
    }
    // The control: forged like these, but right.
    let files = switch.forge(&[one], client);
    let _stream = call(switch.address, &files).await.unwrap();
    assert_eq!(switch.accepted().await.station, name("ZA"));
}

#[tokio::test]
async fn revoking_closes_a_live_link_and_refuses_new_ones_also_resumed_ones() {
    for versions in [Versions::Tls13, Versions::Tls12And13] {
        let mut switch = Switch::with(Limits::default(), versions).await;
        // A client that would resume if it were let.
        let mut config = (*client_config(&switch.files("ZA"), Timestamp::now()).unwrap()).clone();
        config.resumption = Resumption::in_memory_sessions(8);
        let config = Arc::new(config);
        let mut stream = call_with(switch.address, Arc::clone(&config)).await.unwrap();
        switch.accepted().await;
        let second = call_with(switch.address, Arc::clone(&config)).await.unwrap();
        assert_eq!(second.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
        switch.accepted().await;
        drop(second);
        assert_eq!(switch.closed().await, CloseReason::Peer);
        let _bystander = call(switch.address, &switch.files("ZB")).await.unwrap();
        switch.accepted().await;

        switch.authority.revoke(name("ZA"), Timestamp::now()).unwrap();
        assert_eq!(switch.closed().await, CloseReason::Revoked);
        assert_eq!(soon("the end of the link", stream.read(&mut [0])).await.unwrap(), 0);
        assert!(is_hung_up(call_with(switch.address, config).await).await);
        assert_eq!(switch.refused().await, HandshakeFailure::Revoked);
        let _other = call(switch.address, &switch.files("ZB")).await.unwrap();
        assert_eq!(switch.accepted().await.station, name("ZB"));
    }
}

#[tokio::test]
async fn a_silent_peer_is_dropped_at_the_deadline_and_holds_nobody_up() {
    let limits = Limits { handshake: Duration::from_millis(300), ..Limits::default() };
    let mut switch = Switch::with(limits, Versions::Tls13).await;
    let mut silent = TcpStream::connect(switch.address).await.unwrap();
    let _good = call(switch.address, &switch.files("ZA")).await.unwrap();
    switch.accepted().await;
    assert_eq!(switch.refused().await, HandshakeFailure::Deadline);
    assert_eq!(soon("the end of the connection", silent.read(&mut [0])).await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_not_tls_is_refused() {
    let mut switch = Switch::new().await;
    let mut stream = TcpStream::connect(switch.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(switch.refused().await, HandshakeFailure::Protocol);
    drop(TcpStream::connect(switch.address).await.unwrap());
    assert_eq!(switch.refused().await, HandshakeFailure::Lost);
}

#[tokio::test]
async fn half_open_connections_and_links_are_bounded() {
    let limits = Limits { half_open: 2, links_per_station: 1, ..Limits::default() };
    let mut switch = Switch::with(limits, Versions::Tls13).await;
    let silent = [TcpStream::connect(switch.address).await.unwrap(), TcpStream::connect(switch.address).await.unwrap()];
    let mut third = TcpStream::connect(switch.address).await.unwrap();
    assert_eq!(switch.refused().await, HandshakeFailure::HalfOpen);
    assert_eq!(soon("the end of the connection", third.read(&mut [0])).await.unwrap(), 0);
    drop(silent);
    for _ in 0..2 {
        assert_eq!(switch.refused().await, HandshakeFailure::Lost);
    }

    let first = call(switch.address, &switch.files("ZA")).await.unwrap();
    switch.accepted().await;
    for door in [switch.address, switch.fox] {
        assert!(is_hung_up(call(door, &switch.files("ZA")).await).await);
        assert_eq!(switch.refused().await, HandshakeFailure::LinksOfStation, "all doors count together");
    }
    let _other = call(switch.address, &switch.files("ZB")).await.unwrap();
    switch.accepted().await;
    drop(first);
    switch.closed().await;
    let _again = call(switch.address, &switch.files("ZA")).await.unwrap();
    switch.accepted().await;
}

#[tokio::test]
async fn without_a_revocation_list_that_holds_nobody_new_comes_and_links_stay() {
    let mut switch = Switch::new().await;
    let mut stream = call(switch.address, &switch.files("ZA")).await.unwrap();
    switch.accepted().await;
    let mut link = switch.link().await;
    let crl = switch.pki().join("crl.pem");
    let elsewhere = tempfile::tempdir().unwrap();
    Authority::init(elsewhere.path(), Terms::default(), &[], Timestamp::now()).unwrap();
    let short =
        Authority::open(switch.pki(), Terms { revocations: Duration::from_secs(1), ..Terms::default() }).unwrap();

    let faults: [&dyn Fn(); 4] = [
        &|| fs::write(&crl, "no list").unwrap(),
        &|| fs::remove_file(&crl).unwrap(),
        &|| assert_ne!(fs::copy(elsewhere.path().join("crl.pem"), &crl).unwrap(), 0),
        &|| assert!(short.refresh_revocations(Timestamp::now()).is_ok()),
    ];
    for (number, fault) in faults.iter().enumerate() {
        fault();
        let (error, until_then) = failed(&mut switch).await;
        assert_eq!(until_then, UntilThen::Refuses);
        let expected = match number {
            0 => matches!(error, TlsError::Content { .. }),
            1 => matches!(error, TlsError::Read { .. }),
            2 => matches!(error, TlsError::CrlForeign { .. }),
            _ => matches!(error, TlsError::CrlExpired { .. }),
        };
        assert!(expected, "{number}: {error}");
        assert!(is_hung_up(call(switch.address, &switch.files("ZB")).await).await);
        assert_eq!(switch.refused().await, HandshakeFailure::Refusing);

        switch.authority.refresh_revocations(Timestamp::now()).unwrap();
        reloaded(&mut switch).await;
        let _new = call(switch.address, &switch.files("ZB")).await.unwrap();
        switch.accepted().await;
        switch.link().await;
    }
    // The first link has lived through it all.
    let mut block = bytes::BytesMut::new();
    let function = codec::block::Function::Data { more: false, ack: true };
    let text = bytes::Bytes::from_static(b"still here");
    codec::block::Block::with_data(function, 1, text.clone()).unwrap().encode(&mut block);
    stream.write_all(&block).await.unwrap();
    assert_eq!(link.received().await.2, text);
}

#[tokio::test]
async fn a_listener_does_not_begin_without_files_that_hold() {
    let switch = Switch::new().await;
    let bind =
        || Listener::bind("127.0.0.1:0".parse().unwrap(), ServerFiles::in_directory(switch.pki()), Limits::default());
    let error = async || match bind().await.unwrap_err() {
        ListenError::Tls(error) => error,
        ListenError::Address { source, .. } => panic!("{source}"),
    };
    bind().await.unwrap();
    switch.authority.refresh_revocations(Timestamp::now() - 31 * DAY).unwrap();
    assert!(matches!(error().await, TlsError::CrlExpired { .. }));
    fs::write(switch.pki().join("crl.pem"), "").unwrap();
    assert!(matches!(error().await, TlsError::Content { .. }));
    fs::remove_file(switch.pki().join("crl.pem")).unwrap();
    assert!(matches!(error().await, TlsError::Read { .. }));
    switch.authority.refresh_revocations(Timestamp::now()).unwrap();
    fs::copy(switch.pki().join("ZA.key"), switch.pki().join("switch.key")).unwrap();
    assert!(matches!(error().await, TlsError::KeyMismatch { .. }));
    switch.authority.renew_switch(&[], Timestamp::now() - 500 * DAY).unwrap();
    assert!(matches!(error().await, TlsError::CertificateExpired { .. }));
    switch.authority.renew_switch(&[], Timestamp::now()).unwrap();
    let taken = Listener::bind(switch.address, ServerFiles::in_directory(switch.pki()), Limits::default()).await;
    assert!(matches!(taken.unwrap_err(), ListenError::Address { .. }));
}

#[tokio::test]
async fn a_new_certificate_of_the_switch_is_shown_and_a_broken_one_is_not() {
    let mut switch = Switch::new().await;
    let shown = async |switch: &mut Switch| {
        let stream = call(switch.address, &switch.files("ZA")).await.unwrap();
        switch.accepted().await;
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let first = shown(&mut switch).await;
    fs::copy(switch.pki().join("ZA.key"), switch.pki().join("switch.key")).unwrap();
    let (error, until_then) = failed(&mut switch).await;
    assert!(matches!(error, TlsError::KeyMismatch { .. }), "{error}");
    assert_eq!(until_then, UntilThen::KeepsCertificate);
    assert_eq!(shown(&mut switch).await, first);
    switch.authority.renew_switch(&[], Timestamp::now()).unwrap();
    reloaded(&mut switch).await;
    assert_ne!(shown(&mut switch).await, first);
}

#[tokio::test]
async fn links_end_with_the_trust_in_their_authority_or_their_own_time() {
    let mut switch = Switch::new().await;
    let short = Terms { certificate: Duration::from_secs(2), ..Terms::default() };
    Authority::open(switch.pki(), short).unwrap().issue(name("BRIEF"), Timestamp::now()).unwrap();
    let _brief = call(switch.address, &switch.files("BRIEF")).await.unwrap();
    switch.accepted().await;
    assert_eq!(switch.closed().await, CloseReason::Expired);

    let _stream = call(switch.address, &switch.files("ZA")).await.unwrap();
    switch.accepted().await;
    let elsewhere = tempfile::tempdir().unwrap();
    Authority::init(elsewhere.path(), Terms::default(), &[], Timestamp::now()).unwrap();
    // Both files at once: neither fits the other before both are there.
    for file in ["ca.pem", "crl.pem"] {
        fs::copy(elsewhere.path().join(file), switch.pki().join(file)).unwrap();
    }
    assert_eq!(switch.closed().await, CloseReason::Untrusted);
}

#[tokio::test]
async fn rotations_under_load_fail_no_handshake_and_drop_no_link() {
    let mut switch = Switch::new().await;
    let _stays = call(switch.address, &switch.files("ZB")).await.unwrap();
    switch.accepted().await;
    let mut rotations = 0;
    while rotations < 20 {
        switch.authority.renew_switch(&[], Timestamp::now()).unwrap();
        switch.authority.refresh_revocations(Timestamp::now()).unwrap();
        let stream = call(switch.address, &switch.files("ZA")).await.unwrap();
        switch.accepted().await;
        drop(stream);
        assert_eq!(switch.closed().await, CloseReason::Peer);
        rotations += 1;
    }
}

/// Runs itself again with few descriptors: the limit is the whole process's.
#[tokio::test]
async fn running_out_of_descriptors_is_waited_out() {
    const FEW: &str = "LINK_TEST_HAS_FEW_DESCRIPTORS";
    if std::env::var_os(FEW).is_none() {
        let status = std::process::Command::new("sh")
            .args(["-c", "ulimit -n 64; exec \"$0\" --exact listener::running_out_of_descriptors_is_waited_out"])
            .arg(std::env::current_exe().unwrap())
            .env(FEW, "1")
            .status();
        assert!(status.unwrap().success());
        return;
    }
    let mut switch = Switch::new().await;
    let config = client_config(&switch.files("ZA"), Timestamp::now()).unwrap();
    let mut silent = Vec::new();
    // Until not even a socket can be made. Each was accepted or waits to be.
    while let Ok(stream) = TcpStream::connect(switch.address).await {
        silent.push(stream);
    }
    let pause = switch
        .event("a failure to accept", |event| match event {
            ListenerEvent::AcceptFailed { pause, .. } => Some(pause),
            _ => None,
        })
        .await;
    assert!(pause > Duration::ZERO);
    drop(silent);
    let _stream = soon("a link", async {
        loop {
            // The descriptors come back as the switch notices that the silent ones are gone.
            if let Ok(stream) = call_with(switch.address, Arc::clone(&config)).await {
                return stream;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let peer = switch
        .event("a link", |event| match event {
            ListenerEvent::Accepted { peer, .. } => Some(peer),
            _ => None,
        })
        .await;
    assert_eq!(peer.station, name("ZA"));
}

#[tokio::test]
async fn stopping_ends_the_accepting_and_leaves_links_to_their_owner() {
    let mut switch = Switch::new().await;
    let mut stream = call(switch.address, &switch.files("ZA")).await.unwrap();
    switch.accepted().await;
    let link = switch.link().await;
    let _half_open = TcpStream::connect(switch.address).await.unwrap();
    switch.stop.cancel();
    soon("the listener's end", &mut switch.served).await.unwrap();
    assert!(TcpStream::connect(switch.address).await.is_err());
    link.say(Command::Close);
    assert_eq!(link.ended().await, CloseReason::Owner);
    assert_eq!(soon("the end of the link", stream.read(&mut [0])).await.unwrap(), 0);
}
