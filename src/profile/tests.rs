//! Profiles of this very process name the code that does what is measured.

use std::fs::File;
use std::hint::black_box;
use std::io::Read as _;
use std::sync::mpsc::sync_channel;
use std::thread;

use flate2::read::GzDecoder;
use prost::Message as _;

use super::pprof::PprofProfile;
use super::*;

/// More than any test takes.
const PATIENCE: Duration = Duration::from_secs(60);
const PIECE_BYTES: usize = 1_000;

#[inline(never)]
fn keeps_small_pieces(bytes: usize) -> Vec<Box<[u8]>> {
    let mut kept: Vec<Box<[u8]>> = Vec::new();
    for _ in 0..bytes / PIECE_BYTES {
        kept.push(black_box(vec![1; PIECE_BYTES]).into());
    }
    black_box(kept)
}

/// Works for some hundred milliseconds, and reads in calls of the system that take milliseconds each.
#[inline(never)]
fn works_and_reads() {
    let mut random = File::open("/dev/urandom").unwrap();
    let mut bytes = vec![0_u8; 1 << 20];
    let mut sum = 0_u64;
    for _ in 0..200 {
        assert!(random.read(&mut bytes).unwrap() > 0, "a signal ends no call of the system");
        sum = (0..1_000_000_u64).fold(sum, |sum, number| black_box(sum ^ number).rotate_left(7));
    }
    black_box(sum);
}

fn decoded(profile: &Profile) -> PprofProfile {
    let mut bytes = Vec::new();
    let compressed = profile.to_pprof().unwrap();
    GzDecoder::new(compressed.as_slice()).read_to_end(&mut bytes).unwrap();
    PprofProfile::decode(bytes.as_slice()).unwrap()
}

/// The sum of the second values of the stacks that have a function with this in its name.
fn value_of(profile: &PprofProfile, name: &str) -> i64 {
    let text = |index: i64| profile.texts[usize::try_from(index).unwrap()].as_str();
    let functions: Vec<_> = profile
        .functions
        .iter()
        .filter(|of| text(of.name).contains(name))
        .map(|of| of.id)
        .collect();
    let has_it = |location: &&pprof::Location| functions.contains(&location.lines[0].function);
    let locations: Vec<_> = profile.locations.iter().filter(has_it).map(|of| of.id).collect();
    let samples = profile.samples.iter();
    let samples = samples.filter(|of| of.locations.iter().any(|id| locations.contains(id)));
    samples.map(|sample| sample.values[1]).sum()
}

#[test]
fn a_heap_profile_has_what_grew_since_its_start_by_who_allocated_it() {
    const BYTES: usize = 100 << 20;
    heap::start_profiler().unwrap();
    let kept = keeps_small_pieces(BYTES);
    let profile = Profile::of_heap(Duration::from_secs(1)).unwrap();
    heap::stop_profiler().unwrap();
    let message = decoded(&profile);
    let found = value_of(&message, "profile::tests::keeps_small_pieces");
    let wanted = i64::try_from(BYTES).unwrap();
    // A hundred samples.
    assert!((wanted / 2..wanted * 2).contains(&found), "{found} of {wanted}");
    let total: i64 = message.samples.iter().map(|sample| sample.values[1]).sum();
    assert!(total >= found);
    drop(kept);
    let after = decoded(&Profile::of_heap(Duration::from_secs(1)).unwrap());
    let left = value_of(&after, "keeps_small_pieces");
    assert!(left < wanted / 20, "{left} is left of what was freed");
}

#[test]
fn a_cpu_profile_names_the_code_that_works_and_ends_when_its_caller_leaves() {
    let (caller, stop) = sync_channel::<()>(1);
    let taken = thread::spawn(move || Profile::of_cpu(PATIENCE, &stop));
    let working = thread::Builder::new().name("hard-worker".into());
    working.spawn(works_and_reads).unwrap().join().unwrap();
    drop(caller);
    let profile = taken.join().unwrap().unwrap();
    let message = decoded(&profile);
    let of_code = value_of(&message, "profile::tests::works_and_reads");
    let of_thread = value_of(&message, "thread hard-worker");
    assert!(of_code > 100_000_000, "{of_code} ns in the code, {of_thread} ns of the thread");
    assert!(
        of_code >= of_thread / 10 * 9,
        "{of_code} ns in the code, {of_thread} ns of the thread"
    );
    let graph: serde_json::Value =
        serde_json::from_slice(&profile.to_flame_graph().unwrap()).unwrap();
    let names = graph["names"].as_array().unwrap();
    let is_code = |name: &serde_json::Value| name.as_str().unwrap().contains("works_and_reads");
    assert!(names.iter().any(is_code));
    let total = graph["total"].as_u64().unwrap();
    let of_threads: u64 = graph["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|node| node[0] == 0)
        .map(|node| node[2].as_u64().unwrap())
        .sum();
    assert!(of_threads <= total && of_threads > total / 10 * 9, "{of_threads} of {total}");
}
