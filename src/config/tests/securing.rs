//! The recipes of docs/SECURING.md, read as they are printed. Only the folders of their files are ours.

use std::fs;

use rcgen::{CertificateParams, KeyPair};

use super::*;

/// The folders that the recipes mount.
const MOUNTS: [&str; 4] = ["tls", "tokens", "kubernetes", "kafka"];

#[test]
fn every_recipe_for_securing_is_a_good_configuration() {
    let folder = files();
    let recipes = recipes();
    assert_eq!(recipes.len(), 6, "{recipes:#?}");
    for (name, recipe) in recipes {
        let folder = folder.path().display();
        let recipe = recipe.replace("= \"/", &format!("= \"{folder}/"));
        let loaded = load(&with_a_table(&recipe), &[], &[]);
        assert!(loaded.is_ok(), "{name}: {}", loaded.unwrap_err());
    }
}

#[test]
fn the_overlay_for_mutual_tls_is_the_recipe_word_for_word() {
    let overlay = read("deploy/overlays/mtls/millpond.toml");
    let recipe = recipes().into_iter().find(|(name, _)| name == "mutual-tls").unwrap().1;
    assert!(overlay.ends_with(&recipe), "deploy/overlays/mtls/millpond.toml does not end with it");
}

/// Each recipe by its name.
fn recipes() -> Vec<(String, String)> {
    let page = read("docs/SECURING.md");
    let parts = page.split("<!-- recipe: ").skip(1);
    let recipe = |part: &str| {
        let (name, rest) = part.split_once(" -->\n```toml\n").unwrap();
        (name.to_owned(), rest.split_once("```").unwrap().0.to_owned())
    };
    parts.map(recipe).collect()
}

/// The recipe as a part of a whole configuration.
fn with_a_table(recipe: &str) -> String {
    let kafka = SMALLEST.split_once("[[tables]]").unwrap().0;
    let tables = SMALLEST.strip_prefix(kafka).unwrap();
    let kafka = if recipe.contains("[kafka]") { "" } else { kafka };
    format!("{kafka}{tables}{recipe}")
}

/// All files that recipes name.
fn files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for mount in MOUNTS {
        fs::create_dir(folder.path().join(mount)).unwrap();
    }
    let key = KeyPair::generate().unwrap();
    let names = vec!["millpond.shop.svc".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().self_signed(&key).unwrap().pem();
    let token_line = format!("web {}\n", "ab".repeat(32));
    for (file, text) in [
        ("tls/tls.crt", certificate.as_str()),
        ("tls/tls.key", &key.serialize_pem()),
        ("tls/ca.crt", &certificate),
        ("tokens/tokens", &token_line),
        ("kubernetes/ca.crt", &certificate),
        ("kubernetes/token", "a token"),
        ("kafka/ca.crt", &certificate),
        ("kafka/password", "a password"),
    ] {
        fs::write(folder.path().join(file), text).unwrap();
    }
    folder
}

fn read(file: &str) -> String {
    fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}
