//! Whole screens of a service, at sizes from large to none.
//!
//! The screens stand in files beside this one. `MILLPOND_BLESS=1 cargo test --lib top` writes them
//! anew.

use std::fs;
use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::cli::top::feed::Update;
use crate::cli::top::theme::Symbols;
use crate::proto::v1::{
    AsOf, Build, CallerStats, GetStatsResponse, Loading, Memory, MemoryPressure, MemoryType,
    MemoryTypeBytes, PartitionStats, PressureStage, RecordCount, RecordOutcome, RemovalCause,
    RemovalCount, RpcStats, ShedCallCount, ShedCause, TableStats, TopicState, TopicStats,
};

const MIB: i64 = 1 << 20;

const STALENESS: prost_types::Duration = prost_types::Duration { seconds: 0, nanos: 400_000_000 };

fn table(name: &str, second: i64, is_ready: bool) -> TableStats {
    let evicted = RemovalCount { cause: RemovalCause::Evicted.into(), count: second * 3 };
    let loading = Loading { done_records: 420, remaining_records: 580, ..Loading::default() };
    TableStats {
        name: name.into(),
        entry_count: 12_345 + second,
        weight_bytes: 40 * MIB,
        capacity_bytes: 64 * MIB,
        limit_bytes: 64 * MIB,
        hit_count: second * 950,
        miss_count: second * 50,
        removals: vec![evicted],
        loading: Some(loading).filter(|_| !is_ready),
        as_of: Some(AsOf { ready: is_ready, staleness: Some(STALENESS), ..AsOf::default() }),
        ..TableStats::default()
    }
}

fn partition(number: i32, second: i64) -> PartitionStats {
    let of = |outcome: RecordOutcome, count| RecordCount { outcome: outcome.into(), count };
    PartitionStats {
        table: "services".into(),
        topic: "service-events".into(),
        partition: number,
        position: second * 500,
        lag_records: i64::from(number) * 7,
        polled_count: second * 500,
        records: vec![of(RecordOutcome::Stored, second * 499), of(RecordOutcome::Rejected, second)],
        ..PartitionStats::default()
    }
}

fn memory(second: i64) -> Memory {
    let of = |memory_type: MemoryType, table: &str, bytes| MemoryTypeBytes {
        r#type: memory_type.into(),
        table: table.into(),
        bytes,
    };
    let types = vec![
        of(MemoryType::Table, "services", 41 * MIB + second * MIB),
        of(MemoryType::Table, "owners", 12 * MIB),
        of(MemoryType::Ingest, "", 3 * MIB),
        of(MemoryType::KafkaClient, "", 21 * MIB),
        of(MemoryType::Rpc, "", 2 * MIB),
        of(MemoryType::OtherHeap, "", 4 * MIB),
        of(MemoryType::Allocator, "", 9 * MIB),
        of(MemoryType::OutsideHeap, "", 30 * MIB),
    ];
    let pressure = MemoryPressure { stage: PressureStage::Normal.into(), entered: vec![] };
    Memory {
        current_bytes: types.iter().map(|each| each.bytes).sum(),
        limit_bytes: 256 * MIB,
        types,
        pressure: Some(pressure),
        ..Memory::default()
    }
}

fn rpc(second: i64) -> RpcStats {
    let caller = |caller: &str, table: &str, calls| CallerStats {
        caller: caller.into(),
        table: table.into(),
        call_count: calls,
        key_count: 20 * calls,
        answer_bytes: 700 * calls,
        busy_time: Some(prost_types::Duration { seconds: calls / 20_000, nanos: 0 }),
        slowest_time: Some(STALENESS),
        shed_count: 12,
    };
    let callers = vec![
        caller("token:web", "services", second * 9_000),
        caller("certificate:spiffe://shop/cart", "services", second * 100),
        caller("10.1.2.3", "", second),
    ];
    let shed = ShedCallCount { cause: ShedCause::PoolFull.into(), count: 12 };
    RpcStats { open_call_count: 3, callers, shed_calls: vec![shed], ..RpcStats::default() }
}

/// The service in this second.
fn stats(second: i64) -> GetStatsResponse {
    GetStatsResponse {
        start_time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
        uptime: Some(prost_types::Duration { seconds: 3_661 + second, nanos: 0 }),
        build: Some(Build { version: "0.1.0".into(), ..Build::default() }),
        ready: false,
        memory: Some(memory(second)),
        tables: vec![table("services", second, true), table("owners", second, false)],
        partitions: (0..12).map(|number| partition(number, second)).collect(),
        rpc: Some(rpc(second)),
        ..GetStatsResponse::default()
    }
}

fn model() -> Model {
    let mut model = Model::new("http://127.0.0.1:50051".into());
    for second in 0..20 {
        // A lull, so that the graphs are no straight lines.
        let counted = if second < 8 { second } else { second + second % 4 };
        let stats = GetStatsResponse { uptime: stats(second).uptime, ..stats(counted) };
        model.observe(Update::Snapshot(Box::new(stats)));
    }
    model
}

fn screen(model: &Model, controls: &mut Controls, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let theme = Theme::new(true, Symbols::Unicode);
    terminal.draw(|frame| draw(frame, model, controls, theme)).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y| {
        let symbols = (0..width).map(|x| buffer[(x, y)].symbol());
        symbols.collect::<String>().trim_end().to_owned() + "\n"
    };
    (0..height).map(line).collect()
}

/// Compares a screen with the file of this name.
fn assert_screen(name: &str, screen: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/cli/top/view/tests");
    let file = folder.join(format!("{name}.txt"));
    if std::env::var_os("MILLPOND_BLESS").is_some() {
        fs::write(&file, screen).unwrap();
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    assert!(expected == screen, "{} differs:\n{screen}", file.display());
}

#[test]
fn a_screen_of_each_size_shows_what_it_has_room_for() {
    for size in [(80, 24), (200, 60), (20, 5), (60, 14)] {
        let name = format!("{}x{}", size.0, size.1);
        assert_screen(&name, &screen(&model(), &mut Controls::default(), size));
    }
}

#[test]
fn each_pane_has_its_rows() {
    for pane in Pane::ALL {
        let mut controls = Controls::default();
        controls.pane = pane;
        let shown = screen(&model(), &mut controls, (80, 24));
        assert_screen(&format!("pane-{}", pane.title()), &shown);
    }
}

#[test]
fn no_size_is_too_small_and_no_service_too_odd() {
    let (full, empty) = (model(), Model::new(String::new()));
    for width in [0, 1, 2, 3, 5, 8, 13, 19, 20, 21, 40, 50, 76, 110, 200] {
        for height in [0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 20, 36, 60] {
            for pane in Pane::ALL {
                let mut controls = Controls::default();
                (controls.pane, controls.has_help) = (pane, true);
                screen(&full, &mut controls, (width, height));
                screen(&empty, &mut controls, (width, height));
            }
        }
    }
}

#[test]
fn what_is_wrong_stands_out_and_what_the_service_says_cannot_move_the_cursor() {
    let mut model = model();
    let topic = TopicStats {
        topic: "e\u{1b}[2Jvents".into(),
        state: TopicState::Missing.into(),
        since: None,
    };
    model.stats.topics.push(topic);
    model.stats.tables[0].name = "表\u{9b}".into();
    let shown = screen(&model, &mut Controls::default(), (80, 24));
    assert!(shown.contains("topic e\\u001b[2Jvents does not exist"), "{shown}");
    assert!(shown.contains("\\u009b") && !shown.contains('\u{1b}'), "{shown}");
    model.observe(Update::Lost("Connection refused".into()));
    let shown = screen(&model, &mut Controls::default(), (80, 24));
    assert!(shown.contains("LOST for ") && shown.contains("retrying: Connection"), "{shown}");
    assert!(shown.contains("12,3"), "the last figures stay: {shown}");
    let short = screen(&model, &mut Controls::default(), (20, 5));
    assert!(short.starts_with("LOST "), "{short}");
}

#[test]
fn help_lists_the_keys_and_a_pause_is_said() {
    let mut controls = Controls::default();
    controls.press(KeyEvent::new(KeyCode::Char('?'), KeyModifiers::NONE));
    assert_screen("help", &screen(&model(), &mut controls, (80, 24)));
    let mut controls = Controls::default();
    controls.press(KeyEvent::new(KeyCode::Char('p'), KeyModifiers::NONE));
    assert!(screen(&model(), &mut controls, (80, 24)).contains("PAUSED "));
}
