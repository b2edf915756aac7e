#!/usr/bin/env python3
"""Foxtalk frames and OFML of a running switch against wire.md 1.2 and ofml.md, from outside.

  fox.py --link 127.0.0.1:7020 --fox 127.0.0.1:7021 --pki DIR [--slow] [CASE ...]

DIR holds ca.pem and, per station, NAME.pem and NAME.key. The sample network of wire.md 3 must be up, with the stations ZC and
ZA0010000 free for this program, and with `format = "ofml"` in the entry of ZA0010000. ZC speaks blocks, through dmpp.py. Nothing
here is shared with orinet. --slow adds the cases that wait for timers. Prints a line per case and closes with 'N passed, N failed'.
"""
import argparse
import os
import socket
import ssl
import struct
import sys
import time
import traceback
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import dmpp  # noqa: E402

START, STOP = bytes.fromhex("FF00AA55"), bytes.fromhex("55AA00FF")
OVERHEAD, FRAME_MAX, FRAME_OUT_MAX, LAST_MIN = 16, 65_000, 32_768, 64
LINK = FOX = PKI = None
TERMINAL, STATE, PEER = "ZA0010000", "ZC", "ZC0010000"
CASES, SLOW = [], []


def case(function):
    CASES.append(function)
    return function


def slow(function):
    SLOW.append(function)
    return function


def frame(kind, exchange, payload=b"", last=True, length=None, start=START, stop=STOP):
    """One frame, with every field open to being wrong on purpose."""
    length = OVERHEAD + len(payload) if length is None else length
    return start + struct.pack(">IH", length, exchange) + kind + (b"Y" if last else b"N") + payload + stop


def connect_payload(longest=FRAME_OUT_MAX, idle=15, timeout=60):
    """Version 1.1, longest frame, idle and timeout in seconds, encryption, coding, line end."""
    return struct.pack(">HHIHH", 1, 1, longest, idle, timeout) + b"N" + b"B64" + b"LF  "


class Client:
    """One link that speaks frames. Acknowledges the last frame of each message, unless auto_ack is off."""

    def __init__(self, name=TERMINAL, auto_ack=True, connect=True, timeout=10.0):
        host, port = FOX.rsplit(":", 1)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(os.path.join(PKI, "ca.pem"))
        context.check_hostname = False
        context.load_cert_chain(os.path.join(PKI, name + ".pem"), os.path.join(PKI, name + ".key"))
        raw = socket.create_connection((host, int(port)), timeout=timeout)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = context.wrap_socket(raw, server_hostname="localhost")
        self.auto_ack, self.timeout, self.buffer = auto_ack, timeout, b""
        self.part, self.part_frames = b"", 0
        self.messages, self.others, self.exchange = [], [], int.from_bytes(os.urandom(2), "big") // 2
        if connect:
            number = self.send(b"C", connect_payload())
            assert self.other(b"C")[0] == number

    def close(self):
        self.sock.close()

    def write(self, data):
        self.sock.settimeout(self.timeout)
        self.sock.sendall(data)

    def send(self, kind, payload=b"", exchange=None, last=True):
        """One frame; returns its number, a new one unless it is given."""
        if exchange is None:
            self.exchange = self.exchange % 60_000 + 1
            exchange = self.exchange
        self.write(frame(kind, exchange, payload, last))
        return exchange

    def _read(self, deadline):
        """The next frame: type, number, payload, whether it is a message's last."""
        while True:
            if len(self.buffer) >= 8:
                assert self.buffer[:4] == START, f"no start pattern: {self.buffer[:16].hex()}"
                length = struct.unpack(">I", self.buffer[4:8])[0]
                assert OVERHEAD <= length <= FRAME_OUT_MAX, f"a frame of {length} bytes"
                if len(self.buffer) >= length:
                    raw, self.buffer = self.buffer[:length], self.buffer[length:]
                    assert raw[-4:] == STOP, "no stop pattern"
                    assert raw[11:12] in (b"Y", b"N"), raw[11:12]
                    assert START not in raw[1:] and STOP not in raw[:-1], "a pattern inside a frame"
                    return raw[10:11], struct.unpack(">H", raw[8:10])[0], raw[12:-4], raw[11:12] == b"Y"
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                return None
            except OSError as error:
                raise dmpp.Closed(str(error)) from error
            if not data:
                raise dmpp.Closed("the switch closed the link")
            self.buffer += data

    def _pump(self, deadline):
        got = self._read(deadline)
        if got is None:
            return False
        kind, exchange, payload, last = got
        if kind != b"M":
            self.others.append((kind, exchange, payload))
            return True
        self.part, self.part_frames = self.part + payload, self.part_frames + 1
        if last:
            assert self.part_frames == 1 or len(payload) >= LAST_MIN, f"a last frame of {len(payload)} bytes"
            self.messages.append((exchange, self.part, self.part_frames))
            self.part, self.part_frames = b"", 0
            if self.auto_ack:
                self.send(b"A", exchange=exchange)
        return True

    def wait(self, what, find, timeout=None):
        deadline = time.monotonic() + (timeout or self.timeout)
        while True:
            found = find()
            if found is not None:
                return found
            if not self._pump(deadline):
                raise AssertionError(f"{what} did not come; there are {self.messages} and {self.others}")

    def other(self, kind, timeout=None):
        """The next frame of a kind other than a message: number and payload."""
        def find():
            for place, one in enumerate(self.others):
                if one[0] == kind:
                    return self.others.pop(place)[1:]
            return None
        return self.wait(f"a frame {kind}", find, timeout)

    def message(self, mark, timeout=None):
        """The next message with that in it: number, text, frames."""
        def find():
            for place, one in enumerate(self.messages):
                if mark.encode() in one[1]:
                    return self.messages.pop(place)
            return None
        return self.wait(f"a message with {mark!r}", find, timeout)

    def quiet(self, seconds):
        """What came within that time; nothing, if it was quiet."""
        deadline = time.monotonic() + seconds
        while self._pump(deadline):
            pass
        came, self.messages, self.others = self.messages + self.others, [], []
        return came

    def closed(self, seconds=5.0):
        deadline = time.monotonic() + seconds
        try:
            while self._pump(deadline):
                pass
        except dmpp.Closed:
            return True
        return False

    def ask(self, document):
        """Sends a document in one frame and waits for its ack, which bears its number."""
        number = self.send(b"M", document.encode())
        acked, payload = self.other(b"A")
        assert (acked, payload) == (number, b""), (acked, payload, number)
        return number


def mark():
    return "MARK" + os.urandom(4).hex().upper()


def document(identifier, key, fields, destination=None):
    """A question as ofml.md shows it; fields is the inside of TRN."""
    address = f"<DST>{destination}</DST>" if destination else ""
    return (f"<OFML>\n  <HDR>\n    <ID>{identifier}</ID> <DAC>SAMPLE</DAC> <DAT>20300131080000</DAT> <REF>{identifier}</REF>"
            f" <USR>TESTER</USR>\n    <ORI>{TERMINAL}</ORI> <MKE>{key}</MKE>{address}\n  </HDR>\n  <TRN>{fields}</TRN>\n</OFML>")


def note(identifier, text):
    return document(identifier, "AM", f"<TXT>{text}</TXT>", PEER)


IAQ = ("<PUR>C</PUR><ATN>SGT TEST ONE</ATN><PHN>5555550100</PHN><NAM>SAMPLE, PERSON A</NAM><DOB>19800102</DOB><SEX>M</SEX>"
       "<POB>MM</POB><CUS>Y</CUS><OFF>0399</OFF>")


def header(text, name):
    found = ElementTree.fromstring(text).find(f"HDR/{name}")
    assert found is not None, f"no HDR/{name} in {text}"
    return found.text or ""


def body(text):
    found = ElementTree.fromstring(text).find("RSP/TXT")
    assert found is not None, f"no RSP/TXT in {text}"
    return found.text or ""


@case
def a_connect_is_answered_under_its_number_with_what_holds():
    c = Client(connect=False)
    for asked, holds in [((1_000, 15, 60), (1_000, 15, 40)), ((70_000, 600, 1), (65_000, 20, 40)), ((0, 0, 0), (65_000, 20, 40)),
                         ((1, 1, 1), (512, 1, 40))]:
        number = c.send(b"C", connect_payload(*asked))
        answered, payload = c.other(b"C")
        assert answered == number and len(payload) == 20, (answered, payload)
        major, minor, longest, idle, timeout = struct.unpack(">HHIHH", payload[:12])
        assert (major, minor) == (1, 1) and (longest, idle, timeout) == holds, (asked, longest, idle, timeout)
        assert payload[12:] == b"NB64LF  ", payload[12:]
    c.close()


@case
def nothing_comes_before_the_clients_first_frame():
    p, m = dmpp.Station(LINK, PKI, STATE), mark()
    p.ack_of(p.post(f"AM.{PEER}.{TERMINAL}.TXT\r\n{m}"))
    c = Client(connect=False)
    assert c.quiet(0.5) == [], "something came before the connect"
    number = c.send(b"C", connect_payload())
    assert c._pump(time.monotonic() + 10) and c.others[0][:2] == (b"C", number), "the answer to the connect is the first"
    c.message(m)
    c.close(), p.close()


@case
def a_heartbeat_is_echoed_under_its_number():
    c = Client()
    for number in (1, 0x0A0B, 65_535):
        c.send(b"H", exchange=number)
        assert c.other(b"H") == (number, b"")
    c.close()


@case
def what_is_not_spoken_gets_a_nack_in_words_and_the_link_lives():
    c = Client()
    for kind, status in [(b"E", b"0044 "), (b"I", b"0044 "), (b"K", b"0044 "), (b"Z", b"0041 ")]:
        number = c.send(kind, b"x")
        refused, why = c.other(b"N")
        assert refused == number and why.startswith(status) and why[5:].isascii() and why[5:].isupper(), why
    number = c.send(b"C", b"short")
    assert c.other(b"N")[0] == number
    number = c.send(b"H")
    assert c.other(b"H")[0] == number, "the link lives"
    c.close()


@case
def a_query_is_acknowledged_and_its_answers_bear_its_identifier():
    c, m = Client(), mark()
    c.ask(document(m, "IAQ", IAQ, "AX"))
    for _ in range(2):
        _, text, _ = c.message("<MKE>IAR</MKE>")
        assert header(text, "ID") == m and header(text, "REF") == m and header(text, "DAC") == "SAMPLE", text
        assert header(text, "ORI") == "ZZLESC000" and header(text, "DST") == TERMINAL and header(text, "CTL") == m, text
        assert body(text).startswith("EMULATOR - SYNTHETIC DATA"), text
    c.close()


@case
def a_refused_query_is_acknowledged_and_gets_its_er():
    c, m = Client(), mark()
    c.ask(document(m, "IAQ", IAQ.replace("<SEX>M</SEX>", "<SEX>?</SEX>"), "AX"))
    _, text, _ = c.message("<MKE>ER</MKE>")
    assert header(text, "ID") == m and header(text, "SRC") == "NL" and body(text).startswith("."), text
    c.ask("<OFML><HDR><ID>X</ID></HDR></OFML>")
    _, text, _ = c.message("<MKE>ER</MKE>")
    assert body(text)[:4] in (".00.", ".01.", ".03."), text
    c.close()


@case
def a_message_of_several_frames_has_one_ack_and_arrives_whole():
    c, p, m = Client(), dmpp.Station(LINK, PKI, STATE), mark()
    text = f"{m} " + "0123456789 " * 9_000 + "THE END"
    data = note(m, text).encode()
    pieces = [data[at:at + 30_000] for at in range(0, len(data), 30_000)]
    number = c.send(b"M", pieces[0], last=False)
    for piece in pieces[1:-1]:
        c.send(b"M", piece, number, last=False)
    assert c.quiet(0.3) == [], "no frame but the last is acknowledged"
    c.send(b"M", pieces[-1], number)
    assert c.other(b"A")[0] == number
    got = p.take(lambda message: m in message)
    assert got.endswith(text), f"{len(got)} bytes"
    assert c.quiet(0.3) == [], "one ack for all"
    c.close(), p.close()


@case
def long_messages_come_in_frames_one_message_at_a_time():
    c, p, m = Client(auto_ack=False), dmpp.Station(LINK, PKI, STATE), mark()
    texts = [f"{m}{n} " + "9876543210 " * 9_000 + "THE END" for n in range(2)]
    for text in texts:
        p.ack_of(p.post(f"AM.{PEER}.{TERMINAL}.TXT\r\n{text}"))
    # The last frame of the first long message waits for a second, to see which frames are acknowledged.
    number, first, frames = c.message(m)
    assert frames >= 4 and body(first) == texts[0], frames
    assert c.quiet(0.5) == [], "the second comes before the first is acknowledged"
    c.send(b"A", exchange=number)
    c.auto_ack = True
    other, second, _ = c.message(m)
    assert body(second) == texts[1] and other != number
    c.close(), p.close()


@case
def a_message_over_the_limit_is_nacked_once_and_the_link_lives():
    c, number = Client(), 777
    for last in (False, False, False, False, True):
        c.send(b"M", b"x" * 64_000, number, last)
    assert c.other(b"N")[0] == number
    assert c.quiet(0.3) == [], "one nack for all frames"
    number = c.send(b"H")
    assert c.other(b"H")[0] == number
    c.close()


@case
def the_same_number_and_bytes_on_a_link_are_one_message():
    c, p, m = Client(), dmpp.Station(LINK, PKI, STATE), mark()
    number = c.ask(note(m, m))
    c.send(b"M", note(m, m).encode(), number)
    assert c.other(b"A")[0] == number, "a repeat is acknowledged too"
    p.take(lambda message: m in message)
    assert not any(m in message for message in p.quiet(0.3)), "it was delivered twice"
    c.close(), p.close()


@case
def a_message_that_the_client_refuses_for_good_does_not_come_again():
    c, p, m = Client(auto_ack=False), dmpp.Station(LINK, PKI, STATE), mark()
    p.ack_of(p.post(f"AM.{PEER}.{TERMINAL}.TXT\r\n{m}"))
    number, _, _ = c.message(m)
    c.send(b"N", b"0011 NOT FOR THIS DESK", number)
    back = p.take(lambda message: ".04." in message and m in message)
    assert "ORIGINAL MESSAGE" in back
    assert not any(m.encode() in one[1] for one in c.quiet(0.3) if isinstance(one[1], bytes)), "it came again"
    c.close(), p.close()


@case
def what_is_no_frame_closes_the_link_and_only_it():
    alive = Client()
    for wrong in (b"GET / HTTP/1.1\r\n\r\n", frame(b"H", 1, stop=START), frame(b"H", 1, length=15), frame(b"H", 1, length=65_001),
                  frame(b"H", 1, start=STOP), frame(b"H", 1).replace(b"HY", b"HX")):
        c = Client(connect=False)
        c.write(wrong)
        assert c.closed(), f"open after {wrong!r}"
        c.close()
    number = alive.send(b"H")
    assert alive.other(b"H")[0] == number
    alive.close()


@slow
def what_is_not_acknowledged_or_refused_for_now_comes_again_with_its_number():
    c, p, m = Client(auto_ack=False), dmpp.Station(LINK, PKI, STATE), mark()
    p.ack_of(p.post(f"AM.{PEER}.{TERMINAL}.TXT\r\n{m}"))
    number, text, _ = c.message(m)
    began = time.monotonic()
    again = c.message(m)
    assert 4 < time.monotonic() - began < 9, "the first repeat comes after 5 s"
    assert again[:2] == (number, text), "the same to the byte"
    c.send(b"N", b"0012 NOT NOW", number)
    began = time.monotonic()
    again = c.message(m)
    assert 4 < time.monotonic() - began < 9 and again[:2] == (number, text), "refused for now, it comes after 5 s"
    c.send(b"A", exchange=number)
    c.close(), p.close()


def main():
    global LINK, FOX, PKI
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--link", default="127.0.0.1:7020")
    parser.add_argument("--fox", default="127.0.0.1:7021")
    parser.add_argument("--pki", required=True)
    parser.add_argument("--slow", action="store_true")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    LINK, FOX, PKI = args.link, args.fox, args.pki
    passed = failed = 0
    left = Client()
    while left.quiet(0.5):
        pass  # what earlier programs left waiting
    left.close()
    left = dmpp.Station(LINK, PKI, STATE)
    while left.quiet(0.5):
        pass
    left.close()
    for run in CASES + (SLOW if args.slow or args.cases else []):
        if args.cases and run.__name__ not in args.cases:
            continue
        began = time.monotonic()
        try:
            run()
            passed += 1
            print(f"ok    {run.__name__}  {time.monotonic() - began:.2f} s", flush=True)
        except Exception:  # noqa: BLE001 - every failure is a line
            failed += 1
            print(f"FAIL  {run.__name__}\n{traceback.format_exc(limit=3)}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
