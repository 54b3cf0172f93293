"""An OpenLDAP of its own for tests: a folder and ports of its own, with TLS by a CA of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.ports import free_port

SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/bin")
BASE = "dc=example,dc=org"
READER, READER_PASSWORD = f"cn=reader,{BASE}", "the reader may read"
PASSWORD = "alice in the directory"

_CONFIGURATION = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/certificate.pem
TLSCertificateKeyFile {folder}/key.pem
security simple_bind=128
database mdb
maxsize 10485760
suffix "dc=example,dc=org"
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=example,dc=org" read by anonymous auth by * none
"""

_ENTRIES = """\
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: Example

dn: cn=reader,dc=example,dc=org
objectClass: organizationalRole
objectClass: simpleSecurityObject
userPassword: the reader may read

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit

dn: uid=alice,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
cn: Alice Directory
sn: Directory
mail: alice@example.org
userPassword: alice in the directory

dn: uid=bob,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
cn: Bob Directory
sn: Directory
userPassword: bob in the directory

dn: uid=star\\2C (o),ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: star
cn: Star
sn: Star
userPassword: star in the directory

dn: cn=operators,ou=groups,dc=example,dc=org
objectClass: groupOfNames
member: uid=alice,ou=people,dc=example,dc=org
member: uid=star\\2C (o),ou=people,dc=example,dc=org
"""


@dataclass(frozen=True)
class Directory:
    """A directory that answers."""

    port: int
    tls_port: int
    #: The certificate of its CA, as PEM.
    ca: str


@contextmanager
def running(folder: Path) -> Iterator[Directory]:
    """A directory with a few people. Skips the test where Debian's package is missing."""
    if SLAPD is None:
        pytest.skip("needs OpenLDAP (Debian package slapd)")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    (folder / "data").mkdir()
    (folder / "slapd.conf").write_text(_CONFIGURATION.format(folder=folder))
    (folder / "entries.ldif").write_text(_ENTRIES)
    added = subprocess.run(
        ["/usr/sbin/slapadd", "-q", "-f", folder / "slapd.conf", "-l", folder / "entries.ldif"], capture_output=True
    )
    assert added.returncode == 0, added.stderr
    directory = Directory(free_port(), free_port(), authority.cert_pem.bytes().decode())
    listening = f"ldap://127.0.0.1:{directory.port} ldaps://127.0.0.1:{directory.tls_port}"
    with (folder / "log").open("wb") as log:
        command = [SLAPD, "-h", listening, "-f", folder / "slapd.conf", "-d", "0"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait_until_ready(directory, folder, process)
        yield directory
    finally:
        process.terminate()
        process.wait(10)


def _wait_until_ready(directory: Directory, folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    for port in (directory.port, directory.tls_port):
        while not _listens(port):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.02)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True
