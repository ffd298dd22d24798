//! What each recipe needs to be tried: the files that it names, the settings that only this machine
//! has, and the lookups that must succeed or be denied.

use anyhow::Result;

use super::case::Case;
use super::credentials::Files;
use crate::connection::HOST;
use crate::jwt::{Issuer, Publisher};
use crate::page;
use crate::scene::{OTHER_TABLE, Scene, TABLE};
use millpond_acceptance::authority::{Authority, Credential};
use millpond_acceptance::hex::hash;
use millpond_acceptance::mount::{Mount, Swap};

/// The recipes of the page, by name.
pub(super) const RECIPES: [&str; 5] =
    ["mutual-tls", "spiffe", "tokens", "service-accounts", "tls-only"];

const OK: &str = "OK";
const DENIED: &str = "PERMISSION_DENIED";
const UNPROVED: &str = "UNAUTHENTICATED";
const NO_CONNECTION: &str = "UNAVAILABLE";

const SERVER_ID: &str = "spiffe://cluster.local/ns/shop/sa/millpond";
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const JWKS_URL: &str = "https://kubernetes.default.svc/";
const MILLPONDS_TOKEN: &str = "the-token-of-millpond-itself";
const NO_TABLE: &str = "no-such-table";

/// A recipe that is ready to be tried.
pub(super) struct Prepared {
    pub(super) name: &'static str,
    pub(super) text: String,
    pub(super) settings: Vec<String>,
    pub(super) cases: Vec<Case>,
}

/// Who there is: the authority of the service and its callers, one that signs the same names and is
/// not trusted, and an issuer of tokens.
pub(super) struct World {
    authority: Authority,
    stranger: Authority,
    issuer: Issuer,
}

impl World {
    pub(super) fn new() -> Result<Self> {
        let (authority, stranger) = (Authority::new("shop")?, Authority::new("stranger")?);
        Ok(Self { authority, stranger, issuer: Issuer::new(ISSUER)? })
    }
}

/// Puts the recipe's files into their folders.
pub(super) fn prepare(name: &'static str, world: &World, scene: &Scene) -> Result<Prepared> {
    put_tls_files(world, scene)?;
    let mut prepared =
        Prepared { name, text: page::recipe(name)?, settings: Vec::new(), cases: Vec::new() };
    match name {
        "mutual-tls" => {
            prepared.settings.push("admin.probe_listen=127.0.0.1:0".into());
            let certificates = Certificates { allowed: "web.shop.svc", other: "cart.shop.svc" };
            prepared.cases = certificates.cases(world, scene, None)?;
        }
        "spiffe" => {
            let id = "spiffe://cluster.local/ns/shop/sa/web";
            let certificates =
                Certificates { allowed: id, other: "spiffe://cluster.local/ns/shop/sa/cart" };
            prepared.cases = certificates.cases(world, scene, Some(SERVER_ID))?;
        }
        "tokens" => prepared.cases = token_cases(world, scene)?,
        "service-accounts" => {
            prepared.text = put_jwt_files(&prepared.text, world, scene)?;
            prepared.cases = jwt_cases(world, scene)?;
        }
        _ => prepared.cases = anonymous_cases(world, scene)?,
    }
    Ok(prepared)
}

fn put_tls_files(world: &World, scene: &Scene) -> Result<()> {
    let Credential { certificate, key } =
        world.authority.issue(&[SERVER_ID, HOST, "millpond.shop.svc"])?;
    let files =
        [("tls.crt", &*certificate), ("tls.key", &*key), ("ca.crt", &*world.authority.pem())];
    Mount::new(scene.mount("tls"), Swap::Files)?.put(&files)
}

/// The names of two callers: one that the policy names, and one that it does not.
struct Certificates {
    allowed: &'static str,
    other: &'static str,
}

impl Certificates {
    fn cases(
        &self,
        world: &World,
        scene: &Scene,
        server: Option<&'static str>,
    ) -> Result<Vec<Case>> {
        let mut nobody = Files::trusting(scene, "shop", &world.authority.pem())?;
        nobody.server = server;
        let with = |name: &str, authority: &Authority, names: &[&str]| {
            nobody.clone().with_certificate(scene, name, &authority.issue(names)?)
        };
        let allowed = with("allowed", &world.authority, &[self.allowed])?;
        let other = with("other", &world.authority, &[self.other])?;
        let forged = with("forged", &world.stranger, &[self.allowed])?;
        let mut twice =
            with("twice", &world.authority, &["spiffe://a/b", self.allowed, SERVER_ID])?;
        // A caller that goes by SPIFFE ids would refuse its own certificate.
        twice.server = None;
        Ok(vec![
            Case::new("the one who is named", &allowed, TABLE, OK),
            Case::new("the one who is named", &allowed, OTHER_TABLE, DENIED),
            Case::new("the one who is named", &allowed, NO_TABLE, DENIED),
            Case::new("another", &other, TABLE, DENIED),
            Case::new("one with several URIs", &twice, TABLE, UNPROVED),
            Case::new("one of another authority", &forged, TABLE, NO_CONNECTION),
            Case::new("one without a certificate", &nobody, TABLE, NO_CONNECTION),
        ])
    }
}

fn token_cases(world: &World, scene: &Scene) -> Result<Vec<Case>> {
    let (web, cart) = ("5f1c-the-token-of-web", "90ab-the-token-of-cart");
    let lines = format!("# callers\nweb {}\ncart {}\n", hash(web), hash(cart));
    Mount::new(scene.mount("tokens"), Swap::Symlink)?.put(&[("tokens", &lines)])?;
    let nobody = Files::trusting(scene, "shop", &world.authority.pem())?;
    let with = |token: &str| nobody.clone().with_token(scene, &hash(token), token);
    Ok(vec![
        Case::new("the token that is named", &with(web)?, TABLE, OK),
        Case::new("the token that is named", &with(web)?, OTHER_TABLE, DENIED),
        Case::new("the token that is named", &with(web)?, NO_TABLE, DENIED),
        Case::new("another token", &with(cart)?, TABLE, DENIED),
        Case::new("a token of nobody", &with("5f1c-the-token-of-wea")?, TABLE, UNPROVED),
        Case::new("one without a token", &nobody, TABLE, UNPROVED),
    ])
}

/// Publishes the keys, and returns the recipe with their address.
fn put_jwt_files(recipe: &str, world: &World, scene: &Scene) -> Result<String> {
    let server = world.authority.issue(&[HOST])?;
    let publisher = Publisher::start(&server, world.issuer.jwks(), MILLPONDS_TOKEN)?;
    let files = [("token", MILLPONDS_TOKEN), ("ca.crt", &*world.authority.pem())];
    Mount::new(scene.mount("kubernetes"), Swap::Symlink)?.put(&files)?;
    Ok(recipe.replace(JWKS_URL, &format!("https://{HOST}:{}/", publisher.address.port())))
}

fn jwt_cases(world: &World, scene: &Scene) -> Result<Vec<Case>> {
    let nobody = Files::trusting(scene, "shop", &world.authority.pem())?;
    let subject = "system:serviceaccount:shop:web";
    let with = |name: &str, token: &str| nobody.clone().with_token(scene, name, token);
    let token = world.issuer.token(subject, "millpond")?;
    let web = with("web", &token)?;
    let cart = with("cart", &world.issuer.token("system:serviceaccount:shop:cart", "millpond")?)?;
    let elsewhere = with("elsewhere", &world.issuer.token(subject, "another-service")?)?;
    let forged = with("forged", &Issuer::new(ISSUER)?.token(subject, "millpond")?)?;
    let unsigned = with("unsigned", token.rsplit_once('.').map_or("", |(signed, _)| signed))?;
    Ok(vec![
        Case::new("the account that is named", &web, TABLE, OK),
        Case::new("the account that is named", &web, OTHER_TABLE, DENIED),
        Case::new("another account", &cart, TABLE, DENIED),
        Case::new("a token for another service", &elsewhere, TABLE, UNPROVED),
        Case::new("a token by another key", &forged, TABLE, UNPROVED),
        Case::new("a token without its signature", &unsigned, TABLE, UNPROVED),
        Case::new("one without a token", &nobody, TABLE, UNPROVED),
    ])
}

fn anonymous_cases(world: &World, scene: &Scene) -> Result<Vec<Case>> {
    let anyone = Files::trusting(scene, "shop", &world.authority.pem())?;
    let misled = Files::trusting(scene, "stranger", &world.stranger.pem())?;
    Ok(vec![
        Case::new("anyone", &anyone, TABLE, OK),
        Case::new("anyone", &anyone, OTHER_TABLE, UNPROVED),
        Case::new("one who trusts another authority", &misled, TABLE, NO_CONNECTION),
    ])
}
