//! Which tokens are good, and why the others are not.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::access::digest::digest;
use crate::access::tests::issuer::{AUDIENCE, ISSUER, Issuer, claims, now, unsigned};
use crate::access::tests::{allow, policy};
use crate::config::JwtKeys;

struct Verifier {
    jwts: Jwts,
    _folder: TempDir,
}

impl Verifier {
    fn with(jwks: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwks");
        fs::write(&file, jwks).unwrap();
        let keys = JwtKeys::File { file };
        let config = config::Jwt { keys, issuer: ISSUER.into(), audience: AUDIENCE.into() };
        let policy = Arc::new(policy(&allow("jwt:*", "*", "*")));
        let account = Account::of_unbound_threads();
        Self { jwts: Jwts::start(&config, policy, &account).unwrap(), _folder: folder }
    }

    fn verify(&self, token: &str) -> Result<String, DenialReason> {
        let (owner, _) = self.jwts.verify(token, &digest(token.as_bytes()))?;
        Ok(owner.identity().to_string())
    }
}

#[test]
fn a_token_counts_on_until_it_expires_or_its_keys_are_replaced() {
    let issuer = Issuer::new("one");
    let verifier = Verifier::with(&Issuer::jwks(&[&issuer]));
    let token = issuer.token(&claims("web"));
    let (_, proof) = verifier.jwts.verify(&token, &digest(token.as_bytes())).unwrap();
    assert_eq!(verifier.jwts.check_again(proof), None);
    let past = unix_seconds() - Duration::from_secs(2 * LEEWAY_SECONDS).as_secs_f64();
    let expired = JwtProof { expiry: past, ..proof };
    assert_eq!(verifier.jwts.check_again(expired), Some(DenialReason::JwtExpired));
    let replaced = JwtProof { generation: proof.generation + 1, ..proof };
    assert_eq!(verifier.jwts.check_again(replaced), Some(DenialReason::UnknownJwtKey));
}

fn with(claim: &str, value: Value) -> Value {
    let mut claims = claims("web");
    claims[claim] = value;
    claims
}

fn without(claim: &str) -> Value {
    let mut claims = claims("web");
    claims.as_object_mut().unwrap().remove(claim);
    claims
}

#[test]
fn a_good_token_names_its_subject_at_once_and_again() {
    let issuer = Issuer::new("one");
    let verifier = Verifier::with(&Issuer::jwks(&[&issuer]));
    let token = issuer.token(&claims("system:serviceaccount:shop:web"));
    for _ in 0..2 {
        assert_eq!(verifier.verify(&token).unwrap(), "jwt:system:serviceaccount:shop:web");
    }
    for good in [
        with("aud", json!(AUDIENCE)),
        with("aud", json!(["other", AUDIENCE])),
        with("nbf", json!(now() - 60)),
        with("exp", json!((now() + 60).to_string().parse::<f64>().unwrap() + 0.5)),
    ] {
        assert_eq!(verifier.verify(&issuer.token(&good)).unwrap(), "jwt:web", "{good}");
    }
}

#[test]
fn a_token_with_a_bad_claim_is_refused() {
    let issuer = Issuer::new("one");
    let verifier = Verifier::with(&Issuer::jwks(&[&issuer]));
    for (claims, reason) in [
        (with("iss", json!("https://other.test")), DenialReason::JwtIssuer),
        (with("iss", json!([ISSUER])), DenialReason::JwtClaims),
        (with("aud", json!("other")), DenialReason::JwtAudience),
        (with("aud", json!([])), DenialReason::JwtAudience),
        (with("exp", json!(now() - 3_600)), DenialReason::JwtExpired),
        (with("exp", json!((now() + 3_600).to_string())), DenialReason::JwtClaims),
        (with("exp", json!(-1)), DenialReason::JwtClaims),
        (with("exp", json!(null)), DenialReason::JwtClaims),
        (with("nbf", json!(now() + 3_600)), DenialReason::JwtNotYetValid),
        (with("nbf", json!("0")), DenialReason::JwtClaims),
        (with("sub", json!(7)), DenialReason::JwtClaims),
        (with("sub", json!("")), DenialReason::JwtClaims),
        (with("sub", json!("a\nb")), DenialReason::JwtClaims),
        (with("sub", json!("a".repeat(300))), DenialReason::JwtClaims),
        (without("exp"), DenialReason::JwtClaims),
        (without("iss"), DenialReason::JwtClaims),
        (without("aud"), DenialReason::JwtClaims),
        (without("sub"), DenialReason::JwtClaims),
    ] {
        assert_eq!(verifier.verify(&issuer.token(&claims)), Err(reason), "{claims}");
    }
}

#[test]
fn a_token_with_another_algorithm_than_its_key_is_refused() {
    let issuer = Issuer::new("one");
    let verifier = Verifier::with(&Issuer::jwks(&[&issuer]));
    let header = |alg: &str| json!({ "alg": alg, "kid": "one" });
    for none in ["none", "None", "NONE", "", "ES256K"] {
        let token = format!("{}.", unsigned(&header(none), &claims("web")));
        assert_eq!(verifier.verify(&token), Err(DenialReason::MalformedJwt), "{none}");
    }
    for other in ["RS256", "ES384", "EdDSA", "PS256"] {
        let token = issuer.signed(&header(other), &claims("web"));
        assert_eq!(verifier.verify(&token), Err(DenialReason::JwtAlgorithm), "{other}");
    }
    // The public key as a shared secret.
    for secret in [issuer.jwk().to_string(), issuer.jwk()["x"].as_str().unwrap().to_owned()] {
        let message = unsigned(&header("HS256"), &claims("web"));
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let signature = hmac::sign(&key, message.as_bytes());
        let token = format!("{message}.{}", BASE64.encode(signature));
        assert_eq!(verifier.verify(&token), Err(DenialReason::JwtAlgorithm));
    }
}

#[test]
fn a_token_of_an_unknown_key_or_a_wrong_signature_is_refused() {
    let [issuer, stranger] = ["one", "two"].map(Issuer::new);
    let verifier = Verifier::with(&Issuer::jwks(&[&issuer]));
    let unknown = stranger.token(&claims("web"));
    assert_eq!(verifier.verify(&unknown), Err(DenialReason::UnknownJwtKey));
    let forged = stranger.signed(&json!({ "alg": "ES256", "kid": "one" }), &claims("web"));
    assert_eq!(verifier.verify(&forged), Err(DenialReason::JwtSignature));
    let good = issuer.token(&claims("web"));
    let (message, _) = good.rsplit_once('.').unwrap();
    assert_eq!(verifier.verify(&format!("{message}.")), Err(DenialReason::JwtSignature));
    let demanding = json!({ "alg": "ES256", "kid": "one", "crit": ["b64"], "b64": false });
    let demanding = issuer.signed(&demanding, &claims("web"));
    assert_eq!(verifier.verify(&demanding), Err(DenialReason::MalformedJwt));
    for odd in ["", "a", "a.b", "a.b.c", "a.b.c.d", "..", &format!("{good}.x")] {
        assert_eq!(verifier.verify(odd), Err(DenialReason::MalformedJwt), "{odd}");
    }
}

#[test]
fn a_token_needs_no_key_id_only_where_there_is_one_key() {
    let [one, two] = ["one", "two"].map(Issuer::new);
    let token = one.signed(&json!({ "alg": "ES256" }), &claims("web"));
    assert_eq!(Verifier::with(&Issuer::jwks(&[&one])).verify(&token).unwrap(), "jwt:web");
    let of_two = Verifier::with(&Issuer::jwks(&[&one, &two]));
    assert_eq!(of_two.verify(&token), Err(DenialReason::UnknownJwtKey));
}

#[test]
fn keys_that_cannot_be_used_are_left_out() {
    let issuer = Issuer::new("one");
    let mut for_encryption = issuer.jwk();
    for_encryption["use"] = json!("enc");
    let mut for_another = issuer.jwk();
    for_another["alg"] = json!("RS256");
    let secret = json!({ "kty": "oct", "kid": "one", "k": "c2VjcmV0" });
    let keys = [for_encryption, for_another, secret, json!({ "kty": "new" }), json!(7)];
    assert!(KeySet::parse(json!({ "keys": keys }).to_string().as_bytes(), 1).is_err());
    let more: Vec<_> = keys.into_iter().chain([issuer.jwk()]).collect();
    let set = KeySet::parse(json!({ "keys": more }).to_string().as_bytes(), 1).unwrap();
    assert_eq!(set.count(), 1);
    for odd in ["", "{}", "[]", "{\"keys\": {}}", "<html>"] {
        assert!(KeySet::parse(odd.as_bytes(), 1).is_err(), "{odd}");
    }
}

#[test]
fn ed25519_is_an_algorithm_too() {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).unwrap();
    let key = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let x = BASE64.encode(key.public_key());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": x });
    let verifier = Verifier::with(&json!({ "keys": [jwk] }).to_string());
    let message = unsigned(&json!({ "alg": "EdDSA", "kid": "ed" }), &claims("web"));
    let signature = BASE64.encode(key.sign(message.as_bytes()));
    assert_eq!(verifier.verify(&format!("{message}.{signature}")).unwrap(), "jwt:web");
}

/// The example of RFC 7515, appendix A.2. It has no subject, which is found after its signature.
#[test]
fn rsa_is_an_algorithm_too() {
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let message = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let jwk = json!({ "kty": "RSA", "n": n, "e": "AQAB" });
    let verifier = Verifier::with(&json!({ "keys": [jwk] }).to_string());
    let token = format!("{message}.{signature}");
    assert_eq!(verifier.verify(&token), Err(DenialReason::JwtClaims));
    let forged = token.replacen("cC4h", "cC4i", 1);
    assert_eq!(verifier.verify(&forged), Err(DenialReason::JwtSignature));
}
