use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;
use std::{fs, io};

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::rotation::PortRotation;
use super::test_certificates::{Authority, Issued, Valid};
use super::*;
use crate::config::ClientCertificate;
use crate::stats::HandshakeOutcome;

const PATIENCE: Duration = Duration::from_secs(60);

/// A port with certificates in a folder.
struct Server {
    folder: TempDir,
    config: config::Tls,
    authority: Authority,
}

impl Server {
    /// With a good set, whose CA signs the clients too.
    fn new(client_certificate: Option<ClientCertificate>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new("ca");
        authority.issue(Valid::Now).write(folder.path());
        fs::write(folder.path().join("ca.crt"), authority.pem()).unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let config = config::Tls {
            certificate: path("tls.crt"),
            key: path("tls.key"),
            client_ca: client_certificate.map(|_| path("ca.crt")),
            client_certificate,
            reload_interval: Duration::from_secs(1),
        };
        Self { folder, config, authority }
    }

    fn load(&self) -> Result<Tls, Fault> {
        Tls::load(Port::Rpc, &self.config)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The fault of a set in which one file has this content.
    fn fault_with(&self, name: &str, content: &str) -> String {
        fs::write(self.path().join(name), content).unwrap();
        self.load().unwrap_err().to_string()
    }
}

/// Lets a peer do what it does with a port, and returns the connection if the handshake succeeds.
async fn accepted<F: Future>(
    tls: &Tls,
    peer: impl FnOnce(TcpStream) -> F,
) -> (Option<TlsConnection>, F::Output) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let socket = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (accepted, address) = listener.accept().await.unwrap();
    let both = async { tokio::join!(tls.accept(accepted, address), peer(socket)) };
    timeout(PATIENCE, both).await.expect("both come to an end")
}

/// A client that trusts `authority`, and has this certificate.
fn client(authority: &Authority, issued: Option<&Issued>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match issued {
        None => builder.with_no_client_auth(),
        Some(Issued { certificate, key }) => {
            let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
            let chain = chain.map(Result::unwrap).collect();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        }
    };
    TlsConnector::from(Arc::new(config))
}

/// Connects. In TLS 1.3 the server refuses a certificate only after that.
async fn handshake(client: TlsConnector, socket: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    client.connect(ServerName::try_from("localhost").unwrap(), socket).await
}

fn is_ready<F: Future>(future: Pin<&mut F>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

fn count(tls: &Tls, outcome: HandshakeOutcome) -> u64 {
    tls.stats().handshakes.iter().find(|(each, _)| *each == outcome).unwrap().1
}

/// How the handshake of a client with this certificate ends.
async fn outcome_of(server: &Server, issued: Option<&Issued>) -> HandshakeOutcome {
    let tls = server.load().unwrap();
    let client = client(&server.authority, issued);
    drop(accepted(&tls, |socket| handshake(client, socket)).await.0);
    let mut seen = tls.stats().handshakes.into_iter().filter(|(_, count)| *count > 0);
    let (outcome, _) = seen.next().unwrap();
    assert_eq!(seen.next(), None, "one handshake has one outcome");
    outcome
}

#[test]
fn each_thing_that_is_wrong_with_a_certificate_is_a_fault_that_says_so() {
    let good = Server::new(Some(ClientCertificate::Required));
    good.load().unwrap();
    let whole = fs::read_to_string(good.path().join("tls.crt")).unwrap();
    let damaged = whole.replacen("MII", "MJI", 1);
    let expired = good.authority.issue(Valid::Before).certificate;
    let early = good.authority.issue(Valid::After).certificate;
    let other = good.authority.issue(Valid::Now).certificate;
    for (content, wrong) in [
        ("", "tls.crt: there is no certificate in it"),
        (&whole[..whole.len() / 2], "tls.crt: it ends in the middle of a certificate"),
        (&damaged, "tls.crt: certificate 1 in it is damaged"),
        (&expired, "tls.crt: the certificate expired at 2020-01-01T00:00:00Z"),
        (&early, "tls.crt: the certificate is not valid before 2999-01-01T00:00:00Z"),
        (&other, "tls.key: the key does not fit the certificate in"),
    ] {
        let fault = good.fault_with("tls.crt", content);
        assert!(fault.contains(wrong), "{wrong}: {fault}");
    }
}

#[test]
fn each_thing_that_is_wrong_with_a_key_or_a_ca_is_a_fault_that_says_so() {
    let server = Server::new(Some(ClientCertificate::Required));
    let key = fs::read_to_string(server.path().join("tls.key")).unwrap();
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let damaged = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    for (content, wrong) in [
        (&key[..key.len() / 2], "tls.key: it ends in the middle of a private key"),
        (&encrypted, "tls.key: there is no private key in it"),
        (damaged, "tls.key: the key is damaged"),
    ] {
        let fault = server.fault_with("tls.key", content);
        assert!(fault.contains(wrong), "{wrong}: {fault}");
        assert!(fault.starts_with("rpc.tls.key: ") && !fault.contains("BEGIN"), "{fault}");
    }
    fs::write(server.path().join("tls.key"), key).unwrap();
    let expired = Authority::valid("old", Valid::Before).pem();
    for (content, wrong) in [("", "there is no certificate"), (&expired, "the certificate expired")]
    {
        let fault = server.fault_with("ca.crt", content);
        assert!(fault.contains(&format!("ca.crt: {wrong}")), "{fault}");
    }
    let both = [expired, server.authority.pem()].concat();
    fs::write(server.path().join("ca.crt"), both).unwrap();
    assert_eq!(server.load().unwrap().stats().certificates.len(), 2, "the expired CA is left out");
    fs::remove_file(server.path().join("ca.crt")).unwrap();
    let fault = server.load().unwrap_err().to_string();
    assert!(fault.contains("there is no file at this path"), "{fault}");
}

#[tokio::test]
async fn clients_are_let_in_by_their_certificate_and_by_nothing_else() {
    let server = Server::new(Some(ClientCertificate::Required));
    let (authority, stranger) = (&server.authority, Authority::new("stranger"));
    let intermediate = authority.intermediate("intermediate");
    let chainless = intermediate.issue(Valid::Now);
    let chained = Issued {
        certificate: chainless.certificate.clone() + &intermediate.pem(),
        key: chainless.key.clone(),
    };
    for (name, issued, expected) in [
        ("good", Some(authority.issue(Valid::Now)), HandshakeOutcome::Succeeded),
        ("with its chain", Some(chained), HandshakeOutcome::Succeeded),
        ("without its chain", Some(chainless), HandshakeOutcome::CertificateUnknownCa),
        ("expired", Some(authority.issue(Valid::Before)), HandshakeOutcome::CertificateExpired),
        ("early", Some(authority.issue(Valid::After)), HandshakeOutcome::CertificateNotYetValid),
        ("wrong CA", Some(stranger.issue(Valid::Now)), HandshakeOutcome::CertificateUnknownCa),
        ("self-signed", Some(Issued::by_itself()), HandshakeOutcome::CertificateUnknownCa),
        ("none", None, HandshakeOutcome::CertificateMissing),
    ] {
        assert_eq!(outcome_of(&server, issued.as_ref()).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_optional_is_verified_all_the_same() {
    let server = Server::new(Some(ClientCertificate::Optional));
    let stranger = Authority::new("stranger").issue(Valid::Now);
    assert_eq!(outcome_of(&server, None).await, HandshakeOutcome::Succeeded);
    assert_eq!(outcome_of(&server, Some(&stranger)).await, HandshakeOutcome::CertificateUnknownCa);
}

#[tokio::test]
async fn a_client_that_does_not_trust_the_server_is_told_from_others() {
    let server = Server { authority: Authority::new("stranger"), ..Server::new(None) };
    assert_eq!(outcome_of(&server, None).await, HandshakeOutcome::ServerCertificateRefused);
}

#[tokio::test]
async fn other_protocols_and_those_who_leave_are_told_apart() {
    let server = Server::new(None);
    let tls = server.load().unwrap();
    let mut large = vec![22, 3, 1, 0x40, 0];
    // A hello that is announced with 60,000 bytes, in records of 16 KiB.
    large.extend([1, 0, 0xea, 0x60]);
    large.resize(5 + (16 << 10), 0);
    let large = large.repeat(3);
    // TLS 1.1, with one cipher suite of its time.
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    for (name, sent, expected) in [
        ("HTTP/2", &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], HandshakeOutcome::Plaintext),
        ("HTTP/1", b"GET /livez HTTP/1.1\r\n\r\n", HandshakeOutcome::Plaintext),
        ("nothing", b"", HandshakeOutcome::PeerClosed),
        ("too much", &large, HandshakeOutcome::TooLarge),
        ("TLS 1.1", &hello, HandshakeOutcome::NoCommonVersion),
    ] {
        let before = count(&tls, expected);
        let (connection, ()) = accepted(&tls, async |mut socket: TcpStream| {
            let _ = socket.write_all(sent).await;
            let _ = socket.shutdown().await;
            let _ = socket.read_to_end(&mut Vec::new()).await;
        })
        .await;
        assert!(connection.is_none(), "{name}");
        assert_eq!(count(&tls, expected), before + 1, "{name}: {:?}", tls.stats().handshakes);
    }
}

#[tokio::test]
async fn a_handshake_that_is_given_up_is_counted() {
    let server = Server::new(None);
    let tls = server.load().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _silent = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (socket, peer) = listener.accept().await.unwrap();
    let mut handshake = Box::pin(tls.accept(socket, peer));
    assert!(!is_ready(handshake.as_mut()));
    assert_eq!(count(&tls, HandshakeOutcome::Unfinished), 0);
    drop(handshake);
    assert_eq!(count(&tls, HandshakeOutcome::Unfinished), 1);
}

#[tokio::test]
async fn new_files_are_used_for_new_handshakes_and_bad_ones_are_refused_once() {
    let server = Server::new(Some(ClientCertificate::Required));
    let tls = server.load().unwrap();
    let mut rotation = PortRotation::new(tls.clone());
    let mut reloaded = || {
        rotation.reload(Timestamp::now());
        let stats = tls.stats();
        (stats.generation, stats.failed_reloads)
    };
    assert_eq!(reloaded(), (1, 0), "nothing has changed");
    let chain = fs::read_to_string(server.path().join("tls.crt")).unwrap();
    fs::write(server.path().join("tls.crt"), &chain[..100]).unwrap();
    assert_eq!([reloaded(), reloaded()], [(1, 1), (1, 1)], "it is cut in half");
    server.authority.issue(Valid::Before).write(server.path());
    assert_eq!([reloaded(), reloaded()], [(1, 2), (1, 2)], "it has expired");
    fs::remove_file(server.path().join("tls.key")).unwrap();
    assert_eq!([reloaded(), reloaded()], [(1, 3), (1, 3)], "the key is gone");
    server.authority.issue(Valid::Now).write(server.path());
    assert_eq!([reloaded(), reloaded()], [(2, 3), (2, 3)]);
}

#[tokio::test]
async fn a_client_whose_ca_is_taken_out_loses_its_connection_and_others_keep_theirs() {
    let server = Server::new(Some(ClientCertificate::Required));
    let (old, new) = (&server.authority, Authority::new("new"));
    let cas = |cas: &[&Authority]| {
        let pem: String = cas.iter().map(|ca| ca.pem()).collect();
        fs::write(server.path().join("ca.crt"), pem).unwrap();
    };
    cas(&[old, &new]);
    let tls = server.load().unwrap();
    let mut rotation = PortRotation::new(tls.clone());
    let mut connections = Vec::new();
    for issuer in [old, &new] {
        let client = client(old, Some(&issuer.issue(Valid::Now)));
        let (connection, _) = accepted(&tls, |socket| handshake(client, socket)).await;
        connections.push(connection.unwrap());
    }
    let [of_old, of_new] = connections.as_mut_slice() else { panic!("two connections") };
    let is_lost = |connection: &mut TlsConnection| is_ready(pin!(connection.client.lost()));
    old.issue(Valid::Now).write(server.path());
    rotation.reload(Timestamp::now());
    assert!(!is_lost(of_old) && !is_lost(of_new), "only the server's is new");
    cas(&[&new]);
    rotation.reload(Timestamp::now());
    assert_eq!(tls.stats().generation, 3);
    assert!(is_lost(of_old) && !is_lost(of_new));
}

#[tokio::test]
async fn no_session_is_resumed() {
    let server = Server::new(Some(ClientCertificate::Required));
    let tls = server.load().unwrap();
    let issued = server.authority.issue(Valid::Now);
    // It keeps the sessions that it is given.
    let client = client(&server.authority, Some(&issued));
    for _ in 0..2 {
        let (connection, stream) = accepted(&tls, |socket| handshake(client.clone(), socket)).await;
        drop(connection.unwrap());
        // Tickets come after the handshake.
        let mut stream = stream.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Full));
    }
}
