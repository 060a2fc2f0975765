//! What can be gathered: tuples of different awaitables, arrays and vectors of one type.

use crate::{Awaitable, Error, Future, Result};

/// What an awaitable results in.
type Output<A> = <A as Awaitable>::Output;

/// What [`gather`](crate::gather) takes: a tuple of up to twelve awaitables, or an array or `Vec` of one type.
///
/// There is nothing to implement: the methods are hidden.
pub trait Gatherable {
    /// The results in the order given: a tuple, an array or a `Vec`, as was given.
    type Output: 'static;
    /// The same with a `Result` for each.
    type All: 'static;
    #[doc(hidden)]
    type Children: Children<Output = Self::Output, All = Self::All>;

    /// Makes tasks of the coroutines, in order.
    #[doc(hidden)]
    #[track_caller]
    fn ensure_futures(self) -> Self::Children;
    /// Reads the results of children that have all succeeded.
    #[doc(hidden)]
    fn collect(children: &Self::Children) -> Self::Output;
    #[doc(hidden)]
    fn collect_all(children: &Self::Children) -> Self::All;
}

/// The futures of a gather, of whatever types.
pub trait Children: 'static {
    type Output: 'static;
    type All: 'static;

    fn visit<V: Visitor>(&self, visitor: &mut V);
}

pub trait Visitor {
    fn child<T: 'static>(&mut self, child: &Future<T>);
}

fn item<A: Awaitable>(child: &Future<Output<A>>) -> Output<A> {
    A::claim(child).expect("the children of a gather that succeeds have succeeded")
}

/// The item of a child under `return_exceptions`. A cancelled child's stored cancellation is left to whoever
/// awaits the child: asyncio makes a new one here, with an empty message if none was given.
fn item_or_error<A: Awaitable>(child: &Future<Output<A>>) -> Result<Output<A>> {
    if child.cancelled() {
        return Err(Error::cancelled_with(child.cancel_message().unwrap_or_default()));
    }
    A::claim(child)
}

impl<A: Awaitable> Gatherable for Vec<A> {
    type Output = Vec<Output<A>>;
    type All = Vec<Result<Output<A>>>;
    type Children = Vec<Future<Output<A>>>;

    #[track_caller]
    fn ensure_futures(self) -> Self::Children {
        let mut children = Vec::with_capacity(self.len());
        for child in self {
            children.push(child.ensure_future());
        }
        children
    }

    fn collect(children: &Self::Children) -> Self::Output {
        children.iter().map(item::<A>).collect()
    }

    fn collect_all(children: &Self::Children) -> Self::All {
        children.iter().map(item_or_error::<A>).collect()
    }
}

impl<A: Awaitable, const N: usize> Gatherable for [A; N] {
    type Output = [Output<A>; N];
    type All = [Result<Output<A>>; N];
    type Children = [Future<Output<A>>; N];

    #[track_caller]
    fn ensure_futures(self) -> Self::Children {
        self.map(A::ensure_future)
    }

    fn collect(children: &Self::Children) -> Self::Output {
        children.each_ref().map(item::<A>)
    }

    fn collect_all(children: &Self::Children) -> Self::All {
        children.each_ref().map(item_or_error::<A>)
    }
}

impl<T: 'static, const N: usize> Children for [Future<T>; N] {
    type Output = [T; N];
    type All = [Result<T>; N];

    fn visit<V: Visitor>(&self, visitor: &mut V) {
        for child in self {
            visitor.child(child);
        }
    }
}

impl<T: 'static> Children for Vec<Future<T>> {
    type Output = Vec<T>;
    type All = Vec<Result<T>>;

    fn visit<V: Visitor>(&self, visitor: &mut V) {
        for child in self {
            visitor.child(child);
        }
    }
}

macro_rules! tuples {
    ($($A:ident $T:ident $index:tt),+) => {
        impl<$($A: Awaitable),+> Gatherable for ($($A,)+) {
            type Output = ($(Output<$A>,)+);
            type All = ($(Result<Output<$A>>,)+);
            type Children = ($(Future<Output<$A>>,)+);

            #[track_caller]
            fn ensure_futures(self) -> Self::Children {
                ($(self.$index.ensure_future(),)+)
            }

            fn collect(children: &Self::Children) -> Self::Output {
                ($(item::<$A>(&children.$index),)+)
            }

            fn collect_all(children: &Self::Children) -> Self::All {
                ($(item_or_error::<$A>(&children.$index),)+)
            }
        }

        impl<$($T: 'static),+> Children for ($(Future<$T>,)+) {
            type Output = ($($T,)+);
            type All = ($(Result<$T>,)+);

            fn visit<V: Visitor>(&self, visitor: &mut V) {
                $(visitor.child(&self.$index);)+
            }
        }
    };
}

tuples!(A0 T0 0);
tuples!(A0 T0 0, A1 T1 1);
tuples!(A0 T0 0, A1 T1 1, A2 T2 2);
tuples!(A0 T0 0, A1 T1 1, A2 T2 2, A3 T3 3);
tuples!(A0 T0 0, A1 T1 1, A2 T2 2, A3 T3 3, A4 T4 4);
tuples!(A0 T0 0, A1 T1 1, A2 T2 2, A3 T3 3, A4 T4 4, A5 T5 5);
tuples!(A0 T0 0, A1 T1 1, A2 T2 2, A3 T3 3, A4 T4 4, A5 T5 5, A6 T6 6);
tuples!(A0 T0 0, A1 T1 1, A2 T2 2, A3 T3 3, A4 T4 4, A5 T5 5, A6 T6 6, A7 T7 7);
tuples!(A0 T0 0, A1 T1 1, A2 T2 2, A3 T3 3, A4 T4 4, A5 T5 5, A6 T6 6, A7 T7 7, A8 T8 8);
tuples!(A0 T0 0, A1 T1 1, A2 T2 2, A3 T3 3, A4 T4 4, A5 T5 5, A6 T6 6, A7 T7 7, A8 T8 8, A9 T9 9);
tuples!(A0 T0 0, A1 T1 1, A2 T2 2, A3 T3 3, A4 T4 4, A5 T5 5, A6 T6 6, A7 T7 7, A8 T8 8, A9 T9 9, A10 T10 10);
tuples!(
    A0 T0 0, A1 T1 1, A2 T2 2, A3 T3 3, A4 T4 4, A5 T5 5, A6 T6 6, A7 T7 7, A8 T8 8, A9 T9 9, A10 T10 10, A11 T11 11
);
