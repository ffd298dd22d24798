//! Compiles the protocol to Rust. No protoc is needed: protox is a protoc written in Rust.
//!
//! The service's build script needs the compiled protocol too. Cargo passes it the path of the file
//! in `DEP_MILLPOND_PROTOCOL_DESCRIPTORS`.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use prost::Message;

const FOLDER: &str = "../../proto";
/// What is not millpond's own.
const STANDARDS: &str = "proto";
/// They import the others.
const FILES: [&str; 5] = [
    "grpc/health/v1/health.proto",
    "millpond/v1/errors.proto",
    "millpond/v1/lookup.proto",
    "millpond/v1/maintenance.proto",
    "millpond/v1/stats.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={FOLDER}");
    println!("cargo::rerun-if-changed={STANDARDS}");
    let descriptors = protox::compile(FILES, [FOLDER, STANDARDS])?;
    let file = PathBuf::from(std::env::var("OUT_DIR")?).join("millpond.v1.bin");
    fs::write(&file, descriptors.encode_to_vec())?;
    println!("cargo::metadata=DESCRIPTORS={}", file.display());
    tonic_prost_build::configure().build_server(false).compile_fds(descriptors)?;
    Ok(())
}
