use std::thread;

use futures_util::FutureExt;

use super::*;

const TIME: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn record(log: &ChangeLog, key: &str) {
    let of_entry = (Origin { partition: 0, offset: 0, time: TIME }, TIME);
    log.record_removed(key.as_bytes(), of_entry, Removal::Expired, None);
}

fn watch(log: &Arc<ChangeLog>) -> ChangeReader {
    ChangeLog::watch(log, || ())
}

fn keys(reader: &mut ChangeReader) -> Result<Vec<String>, Overtaken> {
    let mut changes = Changes::default();
    reader.read(usize::MAX, &mut changes)?;
    Ok(changes.iter().map(|change| change.key.to_owned()).collect())
}

#[test]
fn nothing_is_recorded_and_nothing_allocated_before_somebody_watches() {
    let log = Arc::new(ChangeLog::new(1 << 10));
    record(&log, "before");
    assert_eq!(log.end.load(Ordering::Relaxed), 0);
    let mut reader = watch(&log);
    record(&log, "after");
    assert_eq!(keys(&mut reader), Ok(vec!["after".to_owned()]));
    assert_eq!(keys(&mut reader), Ok(Vec::new()));
}

#[test]
fn a_reader_that_is_too_slow_is_overtaken_and_others_are_not() {
    let log = Arc::new(ChangeLog::new(1 << 10));
    let (mut slow, mut fast) = (watch(&log), watch(&log));
    for number in 0..200 {
        record(&log, &number.to_string());
        assert_eq!(keys(&mut fast), Ok(vec![number.to_string()]));
    }
    assert_eq!(keys(&mut slow), Err(Overtaken));
}

#[test]
fn a_reader_goes_on_where_another_was_unless_the_changes_are_gone() {
    let log = Arc::new(ChangeLog::new(1 << 10));
    let reader = watch(&log);
    record(&log, "a");
    let first = reader.position();
    drop(reader);
    record(&log, "b");
    let mut reader = watch(&log);
    assert!(reader.seek(first));
    assert_eq!(keys(&mut reader), Ok(vec!["a".to_owned(), "b".to_owned()]));
    (0..200).for_each(|number| record(&log, &number.to_string()));
    assert!(!reader.seek(first) && !reader.seek(u64::MAX) && !reader.seek(reader.end() + 1));
}

#[tokio::test]
async fn a_change_wakes_every_reader_that_waits() {
    let log = Arc::new(ChangeLog::new(1 << 10));
    let readers: Vec<_> = (0..5).map(|_| watch(&log)).collect();
    let mut waiting: Vec<_> = readers.iter().map(|reader| Box::pin(reader.changed())).collect();
    assert!(waiting.iter_mut().all(|waiting| waiting.as_mut().now_or_never().is_none()));
    let writer = Arc::clone(&log);
    thread::spawn(move || record(&writer, "a")).join().unwrap();
    for waiting in waiting {
        waiting.await;
    }
}
