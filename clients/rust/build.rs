//! Compiles the protocol to Rust. It takes no protoc: protox is one, written in Rust.
//!
//! The service needs the compiled protocol too, for its own side. Cargo hands it the file's
//! place as `DEP_MILLPOND_PROTOCOL_DESCRIPTORS`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use prost::Message;

const FOLDER: &str = "../../proto";
const FILES: [&str; 3] =
    ["millpond/v1/errors.proto", "millpond/v1/lookup.proto", "millpond/v1/stats.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let descriptors = protox::compile(FILES, [FOLDER])?;
    let file = PathBuf::from(std::env::var("OUT_DIR")?).join("millpond.v1.bin");
    fs::write(&file, descriptors.encode_to_vec())?;
    println!("cargo::metadata=DESCRIPTORS={}", file.display());
    tonic_prost_build::configure().build_server(false).compile_fds(descriptors)?;
    Ok(())
}
