"""The two suites of docs/protocol.md, section 3, as one set of functions: `intl` by libsodium, `sm`
with SM2 by the numbers of GB/T 32918, SM3 of hashlib and SM4 of python3-cryptography. SUITE is the
one of this process, named by $REFERRAL_SUITE. For tests: nothing here hides how long it takes."""

import functools
import hashlib
import hmac
import os
import secrets
import struct

import nacl.bindings as sodium
import nacl.exceptions
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from nacl.signing import SigningKey, VerifyKey


class Intl:
    name, number, key_words, keys_lead = "intl", 1, (), ""
    export_magic = b"RBAUDIT1"

    @staticmethod
    def digest(data):
        return hashlib.sha256(data).digest()

    @staticmethod
    def derive(key, context):
        return hashlib.blake2b(context, key=key, digest_size=32).digest()

    @staticmethod
    def sign_public(seed):
        return SigningKey(seed).verify_key.encode()

    @staticmethod
    def sign(seed, text):
        return SigningKey(seed).sign(text).signature

    @staticmethod
    def verifies(public_key, text, signature):
        try:
            VerifyKey(public_key).verify(text, signature)
        except (nacl.exceptions.BadSignatureError, ValueError):
            return False
        return True

    @staticmethod
    def seal_public(secret):
        return sodium.crypto_scalarmult_base(secret)

    @staticmethod
    def exchange(secret, public_key):
        """None: no such key."""
        try:
            return sodium.crypto_scalarmult(secret, public_key)
        except RuntimeError:
            return None

    @staticmethod
    def encrypt(plain, associated, nonce, key):
        return sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, associated, nonce, key)

    @staticmethod
    def decrypt(sealed, associated, nonce, key):
        """None: it does not open."""
        try:
            return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, associated, nonce, key)
        except nacl.exceptions.CryptoError:
            return None


# --- the curve of GB/T 32918.5; a point is (X, Y, Z), the affine one (X / Z^2, Y / Z^3) ---

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
     0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0, 1)
NOWHERE = (1, 1, 0)


def double(point):
    x, y, z = point
    square = y * y % P
    middle = 4 * x * square % P
    slope = 3 * (x - z * z) * (x + z * z) % P
    x = (slope * slope - 2 * middle) % P
    return x, (slope * (middle - x) - 8 * square * square) % P, 2 * y * z % P


def add(one, other):
    if one[2] == 0 or other[2] == 0:
        return other if one[2] == 0 else one
    squares = one[2] * one[2] % P, other[2] * other[2] % P
    x1, x2 = one[0] * squares[1] % P, other[0] * squares[0] % P
    y1, y2 = one[1] * squares[1] * other[2] % P, other[1] * squares[0] * one[2] % P
    if x1 == x2:
        return double(one) if y1 == y2 else NOWHERE
    run, rise = (x2 - x1) % P, (y2 - y1) % P
    run2 = run * run % P
    run3, middle = run * run2 % P, x1 * run2 % P
    x = (rise * rise - run3 - 2 * middle) % P
    return x, (rise * (middle - x) - y1 * run3) % P, one[2] * other[2] * run % P


def multiples(point):
    """0 to 15 times it."""
    found = [NOWHERE]
    for _ in range(15):
        found.append(add(found[-1], point))
    return found


def times(number, point):
    rows, result = multiples(point), NOWHERE
    for digit in "%x" % number:
        result = add(double(double(double(double(result)))), rows[int(digit, 16)])
    return result


@functools.lru_cache(maxsize=1)
def base_rows():
    """For each of 64 places the multiples of what the base point is worth there."""
    rows, point = [], G
    for _ in range(64):
        rows.append(multiples(point))
        point = add(rows[-1][15], point)
    return rows



def times_base(number):
    result = NOWHERE
    for place, digit in enumerate(reversed("%x" % number)):
        result = add(result, base_rows()[place][int(digit, 16)])
    return result


def affine(point):
    """None: the point at infinity."""
    if point[2] == 0:
        return None
    inverse = pow(point[2], -1, P)
    return point[0] * inverse * inverse % P, point[1] * inverse * inverse * inverse % P


def point_of(public_key):
    """The point with this x and an even y; None: no such point."""
    x = int.from_bytes(public_key, "big")
    square = (x * x * x + A * x + B) % P
    y = pow(square, (P + 1) // 4, P)
    if len(public_key) != 32 or x >= P or y * y % P != square:
        return None
    return x, P - y if y & 1 else y, 1


def number_bytes(number):
    return number.to_bytes(32, "big")


class Sm:
    name, number, key_words, keys_lead = "sm", 2, ("sm",), "suite: sm\n"
    export_magic = b"RBAUDSM1"

    @staticmethod
    def digest(data):
        return hashlib.new("sm3", data).digest()

    @staticmethod
    def derive(key, context):
        return hmac.new(key, context, "sm3").digest()

    @staticmethod
    @functools.lru_cache(maxsize=256)
    def secret(seed):
        """(number, point)"""
        number = int.from_bytes(seed, "big") % (N - 2) + 1
        x, y = affine(times_base(number))
        return (N - number, (x, P - y)) if y & 1 else (number, (x, y))

    @staticmethod
    def sign_public(seed):
        return number_bytes(Sm.secret(seed)[1][0])

    seal_public = sign_public

    @staticmethod
    def hashed(point, text):
        name = b"1234567812345678"
        about = struct.pack(">H", 8 * len(name)) + name + b"".join(
            number_bytes(number) for number in (A, B, G[0], G[1], point[0], point[1]))
        return int.from_bytes(Sm.digest(Sm.digest(about) + text), "big")

    @staticmethod
    def sign(seed, text):
        number, point = Sm.secret(seed)
        hashed = Sm.hashed(point, text)
        while True:
            once = secrets.randbelow(N - 1) + 1
            r = (hashed + affine(times_base(once))[0]) % N
            s = pow(1 + number, -1, N) * (once - r * number) % N
            if r != 0 and s != 0 and r + once != N:
                return number_bytes(r) + number_bytes(s)

    @staticmethod
    def verifies(public_key, text, signature):
        point = point_of(public_key)
        if point is None or len(signature) != 64:
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if not (0 < r < N and 0 < s < N and (r + s) % N):
            return False
        found = affine(add(times_base(s), times((r + s) % N, point)))
        return found is not None and (Sm.hashed(point, text) + found[0]) % N == r

    @staticmethod
    def exchange(secret, public_key):
        point = point_of(public_key)
        return number_bytes(affine(times(Sm.secret(secret)[0], point))[0]) if point else None

    @staticmethod
    def parts(associated, nonce, key):
        """(cipher, what makes the tag of encrypted bytes)"""
        cipher, mac = Sm.derive(key, b"\1" + nonce), Sm.derive(key, b"\2" + nonce)
        return (Cipher(algorithms.SM4(cipher[:16]), modes.CTR(cipher[16:])).encryptor(),
                lambda data: Sm.derive(mac, struct.pack(">Q", len(associated)) + associated
                                       + data)[:16])

    @staticmethod
    def encrypt(plain, associated, nonce, key):
        cipher, tag = Sm.parts(associated, nonce, key)
        encrypted = cipher.update(plain)
        return encrypted + tag(encrypted)

    @staticmethod
    def decrypt(sealed, associated, nonce, key):
        cipher, tag = Sm.parts(associated, nonce, key)
        if len(sealed) < 16 or tag(sealed[:-16]) != sealed[-16:]:
            return None
        return cipher.update(sealed[:-16])


SUITE = {"intl": Intl, "sm": Sm}[os.environ.get("REFERRAL_SUITE", "intl")]
