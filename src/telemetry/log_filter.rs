//! The filter of the log while the process runs: shown, and changed until the process ends.

use std::sync::Arc;

use parking_lot::Mutex;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::reload::Handle;

use crate::config::Log;

/// The filter of the process's log. Clones change the same.
#[derive(Debug, Clone)]
pub struct LogFilter {
    handle: Handle<EnvFilter, Registry>,
    configured: Arc<str>,
    current: Arc<Mutex<String>>,
}

impl LogFilter {
    pub(super) fn new(handle: Handle<EnvFilter, Registry>, configured: &str) -> Self {
        let current = Arc::new(Mutex::new(configured.to_owned()));
        Self { handle, configured: configured.into(), current }
    }

    /// The directives in use.
    pub fn current(&self) -> String {
        self.current.lock().clone()
    }

    /// The directives of the configuration, which a restart uses again.
    pub fn configured(&self) -> &str {
        &self.configured
    }

    /// Uses these directives from now on.
    ///
    /// # Errors
    ///
    /// What is wrong with them. The former ones stay in use.
    pub fn set(&self, directives: &str) -> Result<(), String> {
        if let Some(fault) = Log::filter_fault(directives) {
            return Err(fault.into());
        }
        let filter = EnvFilter::try_new(directives).map_err(|error| error.to_string())?;
        let mut current = self.current.lock();
        self.handle.reload(filter).map_err(|_| "this process's log is not millpond's own")?;
        let former = std::mem::replace(&mut *current, directives.to_owned());
        drop(current);
        tracing::info!(former, filter = directives, "log filter changed until the process ends");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{Layer as _, fmt, registry, reload};

    use super::*;

    /// What is written to the log.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_changed_filter_counts_at_once_and_a_bad_one_changes_nothing() {
        let written = Written::default();
        let (filter, handle) = reload::Layer::new(EnvFilter::new("warn"));
        let log_filter = LogFilter::new(handle, "warn");
        let writer = written.clone();
        let layer = fmt::layer().with_writer(move || writer.clone()).with_filter(filter);
        with_default(registry().with(layer), || {
            tracing::info!("before");
            for wrong in ["", "nonsense", "millpond=loud"] {
                log_filter.set(wrong).unwrap_err();
            }
            assert_eq!(log_filter.current(), "warn");
            log_filter.set("info").unwrap();
            tracing::info!("after");
        });
        let text = String::from_utf8(written.0.lock().clone()).unwrap();
        assert!(text.contains("after") && !text.contains("before"), "{text}");
        assert_eq!((log_filter.current().as_str(), log_filter.configured()), ("info", "warn"));
    }
}
