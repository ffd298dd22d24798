//! `millpond top`: the figures of a running service, live on the whole terminal.
//!
//! ```text
//! WatchStats -> feed -> Model (figures, rates, history) -> view -> screen
//!                         keys -> Controls ------------------^
//! ```

mod bars;
mod controls;
mod feed;
mod figures;
mod format;
mod grid;
mod history;
mod model;
mod pane;
mod panes;
mod screen;
mod theme;
mod view;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use clap::Args;
use crossterm::event::{Event, EventStream};
use futures_util::StreamExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::client::ClientArgs;
use super::colour::is_wanted;
use super::failure::{Exit, Failure};
use super::runtime::block_on;
use controls::{Controls, Next};
use feed::Feed;
use model::Model;
use screen::Screen;
use theme::{Symbols, Theme};

/// How often the age of what is shown is drawn anew.
const REDRAW: Duration = Duration::from_secs(1);

/// Which service to watch, how often, and how to draw.
#[derive(Debug, Args)]
pub(super) struct TopArgs {
    #[command(flatten)]
    client: ClientArgs,
    /// The time from one snapshot to the next, from 1s to 60s
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = humantime::parse_duration)]
    interval: Duration,
    /// Use no colours. The variable `NO_COLOR` does the same
    #[arg(long)]
    no_color: bool,
    /// Draw with ASCII alone. So does a locale that is not UTF-8
    #[arg(long)]
    ascii: bool,
}

pub(super) fn run(args: TopArgs) -> Result<(), Failure> {
    if !io::stdout().is_terminal() {
        return Err(Failure::new(
            Exit::Usage,
            "top draws on a terminal, and standard output is none; use `millpond stats --watch`",
        ));
    }
    let symbols = if args.ascii { Symbols::Ascii } else { Symbols::of_locale() };
    let theme = Theme::new(!args.no_color && is_wanted(&io::stdout()), symbols);
    block_on(async {
        // A fault of the arguments is told before the screen is taken.
        let (feed, first) = Feed::open(args.client, args.interval).await?;
        let mut model = Model::new(feed.endpoint().to_owned());
        model.observe(first);
        show(feed, model, theme).await
    })
}

async fn show(mut feed: Feed, mut model: Model, theme: Theme) -> Result<(), Failure> {
    let mut controls = Controls::default();
    let mut ended = Ended::listen()?;
    let mut screen = Screen::open()?;
    let mut events = EventStream::new();
    let mut redraw = interval(REDRAW);
    redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        screen.draw(|frame| view::draw(frame, &model, &mut controls, theme))?;
        tokio::select! {
            () = ended.wait() => return Ok(()),
            event = events.next() => match event {
                Some(Ok(Event::Key(key))) => match controls.press(key) {
                    Next::GoOn => {}
                    Next::Quit => return Ok(()),
                },
                // The next frame has the new size.
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
            update = feed.next() => {
                if !controls.is_paused() {
                    model.observe(update);
                }
            }
            _ = redraw.tick() => {}
        }
    }
}

/// The signals that end it. A key has the effect of Ctrl-C, but others can send signals too.
struct Ended([tokio::signal::unix::Signal; 4]);

impl Ended {
    fn listen() -> io::Result<Self> {
        let kinds = [
            SignalKind::terminate(),
            SignalKind::interrupt(),
            SignalKind::hangup(),
            SignalKind::quit(),
        ];
        let [terminate, interrupt, hangup, quit] = kinds.map(signal);
        Ok(Self([terminate?, interrupt?, hangup?, quit?]))
    }

    async fn wait(&mut self) {
        let [terminate, interrupt, hangup, quit] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {}
            _ = quit.recv() => {}
        }
    }
}
