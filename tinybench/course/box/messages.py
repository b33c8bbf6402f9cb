"Messages through the walls: a length, a signature and JSON"
# Standard library only: this runs inside the walls, too.
import _socket, hashlib, json, sys, time


encode = json.encoder.c_make_encoder(None, None, json.encoder.c_encode_basestring_ascii, None,
                                     ': ', ', ', False, False, True)
decode = json.scanner.c_make_scanner(json.JSONDecoder())
MOST = 32 << 20  # bytes of a message

def sign(data, key, nonce, blake2b=hashlib.blake2b) -> bytes:
    "Sixteen bytes that only one who has the key can give, for the question with this `nonce`."
    return blake2b(nonce.encode() + data, key=key, digest_size=16).digest()

def send(sock, message, key=b'', nonce='', encode=encode):
    "Send one message: its length in eight digits, its signature, then JSON."
    data = ''.join(encode(message, 0)).encode()
    sock.sendall(b'%08d' % len(data) + sign(data, key, nonce) + data)

def receive(sock, key=b'', nonce='', seconds=None, decode=decode):
    "The next message, None where the other end is gone; ValueError where its length or signature is wrong."
    end = seconds and time.monotonic() + seconds
    def exactly(n):
        data = bytearray()
        while len(data) < n:
            if end: sock.settimeout(max(.001, end - time.monotonic()))  # byte by byte could take days
            if not (part := sock.recv(min(n - len(data), 1 << 16))): return None
            data += part
        return bytes(data)
    if (head := exactly(24)) is None: return None
    if not head[:8].isdigit() or int(head[:8]) > MOST:
        raise ValueError('a message of odd or too great length')
    if (data := exactly(int(head[:8]))) is None: return None
    if sign(data, key, nonce) != head[8:]: raise ValueError('a message that somebody else has written')
    return decode(data.decode(), 0)[0]

def took(sock):
    "The socket that comes with the next message."
    _, ancillary, _, _ = sock.recvmsg(1, _socket.CMSG_SPACE(4))
    return _socket.socket(fileno=int.from_bytes(ancillary[0][2][:4], sys.byteorder))
