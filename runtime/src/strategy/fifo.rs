//! The ordinary order: first in, first out.

use super::Choose;
use crate::choices::Stream;
use crate::ready::Ready;

pub(crate) struct Fifo;

impl Choose for Fifo {
    fn choose(&mut self, ready: &Ready, _: &mut Stream) -> usize {
        ready.oldest()
    }
}
