//! The methods that streams and their halves have in common, and the traits of other crates for them.
//!
//! A macro writes them into each type, so that each has them as its own, with their documentation.

/// The methods of what reads; `self.read` is its [`ReadEnd`](super::ends::ReadEnd).
macro_rules! reading_methods {
    () => {
        /// Reads what is there, as soon as something is; how many bytes. 0 is the end of the stream.
        ///
        /// # Cancellation
        /// Nothing was read. The same holds if the future is dropped halfway.
        ///
        /// # Errors
        /// `Cancelled`; the [`std::io::Error`] that ended the connection, once.
        #[track_caller]
        pub fn read<'a>(
            &'a self,
            buffer: &'a mut [u8],
        ) -> impl Future<Output = Result<usize>> + Send + Sync + 'a {
            ends::read(&self.read.socket, buffer)
        }

        /// Reads until the buffer is full.
        ///
        /// # Cancellation
        /// What had come by then is in the buffer; how much that was is not told.
        ///
        /// # Errors
        /// `Cancelled`; an [`std::io::Error`] of kind `UnexpectedEof` if the stream ends before, or the one that ended
        /// the connection.
        #[track_caller]
        pub fn read_exact<'a>(
            &'a self,
            buffer: &'a mut [u8],
        ) -> impl Future<Output = Result<()>> + Send + Sync + 'a {
            ends::read_exact(&self.read.socket, buffer)
        }

        /// Reads until the end of the stream, behind what is in the buffer already; how many bytes came.
        ///
        /// # Cancellation
        /// What had come by then is in the buffer.
        ///
        /// # Errors
        /// `Cancelled`; the [`std::io::Error`] that ended the connection.
        #[track_caller]
        pub fn read_to_end<'a>(
            &'a self,
            buffer: &'a mut Vec<u8>,
        ) -> impl Future<Output = Result<usize>> + Send + Sync + 'a {
            ends::read_to_end(&self.read.socket, buffer)
        }

        /// As [`read`](Self::read), but what was read stays.
        ///
        /// # Errors
        /// As [`read`](Self::read).
        #[track_caller]
        pub fn peek<'a>(
            &'a self,
            buffer: &'a mut [u8],
        ) -> impl Future<Output = Result<usize>> + Send + Sync + 'a {
            ends::peek(&self.read.socket, buffer)
        }

        /// Waits until a read would not wait: for bytes, the end or an error.
        ///
        /// # Errors
        /// `Cancelled`.
        #[track_caller]
        pub fn readable(&self) -> impl Future<Output = Result<()>> + Send + Sync + '_ {
            waiting::ready(&self.read.socket, waiting::Want::READ)
        }

        /// Reads what is there, without waiting.
        ///
        /// # Errors
        /// `WouldBlock` if nothing is there; the error that ended the connection, once.
        #[track_caller]
        pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
            self.read.socket.receive(buffer)
        }
    };
}

/// The methods of what writes; `self.write` is its [`WriteEnd`](super::ends::WriteEnd).
macro_rules! writing_methods {
    () => {
        /// Writes as much as there is room for, as soon as there is room; how many bytes.
        ///
        /// # Cancellation
        /// Nothing was written. The same holds if the future is dropped halfway.
        ///
        /// # Errors
        /// `Cancelled`; [`std::io::Error`]s: `BrokenPipe` if this direction is over, or the one that ended the
        /// connection, once.
        #[track_caller]
        pub fn write<'a>(&'a self, data: &'a [u8]) -> impl Future<Output = Result<usize>> + Send + Sync + 'a {
            ends::write(&self.write.socket, data)
        }

        /// Writes all of it: waits while the other end is slow to read.
        ///
        /// # Cancellation
        /// A first part of the bytes was written; how long it is, is not told. The same holds if the future is dropped
        /// halfway.
        ///
        /// # Errors
        /// As [`write`](Self::write).
        #[track_caller]
        pub fn write_all<'a>(
            &'a self,
            data: &'a [u8],
        ) -> impl Future<Output = Result<()>> + Send + Sync + 'a {
            ends::write_all(&self.write.socket, data)
        }

        /// Waits until a write would not wait: for room or an error.
        ///
        /// # Errors
        /// `Cancelled`.
        #[track_caller]
        pub fn writable(&self) -> impl Future<Output = Result<()>> + Send + Sync + '_ {
            waiting::ready(&self.write.socket, waiting::Want::WRITE)
        }

        /// Writes as much as there is room for, without waiting.
        ///
        /// # Errors
        /// `WouldBlock` if there is no room; otherwise as [`write`](Self::write).
        #[track_caller]
        pub fn try_write(&self, data: &[u8]) -> io::Result<usize> {
            self.write.socket.send(data)
        }
    };
}

/// The traits of other crates, for what reads.
macro_rules! reading_traits {
    ($name:ident $(<$life:lifetime>)?) => {
        impl futures_io::AsyncRead for $name $(<$life>)? {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.get_mut().read.poll_read(cx, buffer)
            }
        }

        #[cfg(feature = "tokio")]
        impl tokio::io::AsyncRead for $name $(<$life>)? {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut tokio::io::ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                let count = std::task::ready!(self.get_mut().read.poll_read(cx, buffer.initialize_unfilled()))?;
                buffer.advance(count);
                Poll::Ready(Ok(()))
            }
        }

        #[cfg(feature = "hyper")]
        impl hyper::rt::Read for $name $(<$life>)? {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: hyper::rt::ReadBufCursor<'_>,
            ) -> Poll<io::Result<()>> {
                $crate::faces::for_hyper::poll_read(buffer, |part| self.get_mut().read.poll_read(cx, part))
            }
        }
    };
}

/// The traits of other crates, for what writes.
macro_rules! writing_traits {
    ($name:ident $(<$life:lifetime>)?) => {
        impl futures_io::AsyncWrite for $name $(<$life>)? {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
                self.get_mut().write.poll_write(cx, data)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                data: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.get_mut().write.poll_write_vectored(cx, data)
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.write.close())
            }
        }

        #[cfg(feature = "tokio")]
        writing_traits!(tokio::io::AsyncWrite, $name $(<$life>)?);
        #[cfg(feature = "hyper")]
        writing_traits!(hyper::rt::Write, $name $(<$life>)?);
    };
    ($of:path, $name:ident $(<$life:lifetime>)?) => {
        impl $of for $name $(<$life>)? {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
                self.get_mut().write.poll_write(cx, data)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                data: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.get_mut().write.poll_write_vectored(cx, data)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.write.close())
            }
        }
    };
}

pub(crate) use {reading_methods, reading_traits, writing_methods, writing_traits};
