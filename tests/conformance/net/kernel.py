"""The simulated kernel under the event loop: TCP, UDP and Unix stream sockets over one loopback link, and the selector.

LANGUAGE.md section 3 is the specification; this file is its executable form.  Nothing here knows about asyncio, apart
from NetSelector, which stands where epoll stands.
"""
import errno, heapq, os, selectors, socket

FIRST_FD, FIRST_EPHEMERAL = 1000, 40000
SYN_RETRY, SYN_TRIES = 1.0, 5                  # seconds between the attempts; after five the client just waits


class Deadlock(Exception): pass

def fail(code):
    raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)))


class Kernel:
    """Events below the loop.  Every socket call and every select first applies what is due."""
    def __init__(self, loop, net):
        self.loop, self.L = loop, net["L"]
        self.SB, self.RB, self.UQ = net["SB"], net["RB"], net["UQ"]
        self.events, self.seq, self.running = [], 0, False
        self.socks, self.next_fd, self.next_port = {}, FIRST_FD, FIRST_EPHEMERAL
        self.bound = {}                        # (type, family, port or path) -> sockets bound there

    def after(self, delay, fn, *args):
        self.seq += 1
        heapq.heappush(self.events, (self.loop.now + delay, self.seq, fn, args))

    def run(self):
        while self.events and self.events[0][0] <= self.loop.now:
            _, _, fn, args = heapq.heappop(self.events)
            fn(*args)

    def add(self, sock):
        self.next_fd += 1
        self.socks[self.next_fd] = sock
        return self.next_fd

    def ephemeral(self):
        self.next_port += 1
        return self.next_port

    def listener(self, type, family, port):
        return next((s for s in self.bound.get((type, family, port), ()) if s.listening), None)


class NetSelector(selectors._BaseSelectorImpl):
    kernel = None
    def poll(self):
        ready = []
        for fd in sorted(self._fd_to_key):     # = order of creation of the sockets
            sock, key = self.kernel.socks.get(fd), self._fd_to_key[fd]
            if sock is None: continue          # the loop's own wake-up pipe, or a closed socket
            mask = (selectors.EVENT_READ if sock.readable() else 0) | (selectors.EVENT_WRITE if sock.writable() else 0)
            if mask & key.events:
                ready.append((key, mask & key.events))
        return ready

    def select(self, timeout=None):
        k = self.kernel
        k.run()
        ready = self.poll()
        if ready or (timeout is not None and timeout <= 0):
            return ready
        limit, start = float("inf") if timeout is None else k.loop._scheduled[0]._when, k.loop.now
        while k.events and k.events[0][0] <= limit:
            k.loop.now = max(k.loop.now, k.events[0][0])
            k.run()
            ready = self.poll()
            if ready: return ready
        if timeout is None:
            k.loop.now = start                 # what happened below the loop meanwhile woke nobody
            raise Deadlock
        k.loop.now = max(k.loop.now, limit)
        return []


# ---------------------------------------------------------------- what Python sees
class Sock:
    """The socket object: the union of the calls asyncio makes.  Subclasses are the protocols."""
    proto, listening, fresh = 0, False, None   # fresh: what the last accept gave (for interp.py)
    def __init__(self, k, family, fd=True):
        """fd=False: the far end of a connection that nobody has accepted yet."""
        self.k, self.family, self.fd, self.err, self.port, self.peer_addr = k, family, k.add(self) if fd else -1, None, None, None
        self.linger0 = self.reuse = False
    def fileno(self): return self.fd
    def setblocking(self, flag): pass
    def gettimeout(self): return 0.0
    def setsockopt(self, level, name, value):
        self.enter()
        if (level, name) == (socket.SOL_SOCKET, socket.SO_LINGER): self.linger0 = True
        if (level, name) == (socket.SOL_SOCKET, socket.SO_REUSEADDR): self.reuse = True
    def getsockopt(self, level, name):
        self.enter()
        if (level, name) == (socket.SOL_SOCKET, socket.SO_ERROR):
            e, self.err = self.err, None
            return getattr(errno, e) if e else 0
        return 0
    def enter(self):
        self.k.run()
        if self.fd < 0: fail("EBADF")
    def close(self):
        if self.fd < 0: return
        self.k.run()
        del self.k.socks[self.fd]
        self.fd = -1
        self.on_close()
    def take_err(self):
        if self.err:
            e, self.err = self.err, None
            fail(e)
    # addresses
    def addr(self, port):
        return ("127.0.0.1", port) if self.family == socket.AF_INET else ("::1", port, 0, 0)
    def bind(self, addr):
        self.enter()
        self.claim(addr[1])
    def claim(self, port):
        here = self.k.bound.setdefault((self.type, self.family, port), [])
        if any(s.listening or not (s.reuse and self.reuse) for s in here): fail("EADDRINUSE")
        here.append(self)
        self.port = port
    def unclaim(self):
        here = self.k.bound.get((self.type, self.family, self.port), [])
        if self in here: here.remove(self)
    def getsockname(self):
        if self.fd < 0: fail("EBADF")
        return self.addr(self.port or 0)
    def getpeername(self):
        if self.fd < 0: fail("EBADF")
        if self.peer_addr is None: fail("ENOTCONN")
        return self.addr(self.peer_addr)
    # variants of one call
    def sendmsg(self, buffers): return self.send(b"".join(buffers))
    def recv_into(self, buf, nbytes=0):
        data = self.recv(nbytes or len(buf))
        buf[:len(data)] = data
        return len(data)


# ---------------------------------------------------------------- TCP
class Tcp(Sock):
    type, proto = socket.SOCK_STREAM, socket.IPPROTO_TCP
    def __init__(self, k, family, state="FRESH"):
        super().__init__(k, family, state == "FRESH")
        self.attempt = 0
        self.begin(state)
    def begin(self, state):
        k = self.k
        self.state, self.peer = state, None
        self.rx, self.rcv_nxt, self.read_total, self.adv = bytearray(), 0, 0, k.RB   # adv: highest sequence number advertised
        self.sndq, self.snd_nxt, self.una, self.wnd = bytearray(), 0, 0, k.RB        # wnd: highest sequence number allowed
        self.fin_queued = self.fin_sent = self.fin_acked = self.fin_rcvd = False
        self.rcv_shut = self.snd_shut = False
        self.connect_reported = self.orphan = False
    @property
    def listening(self): return self.state == "LISTEN"

    # -- readiness
    def readable(self):
        if self.state == "LISTEN": return bool(self.queue)
        if self.state == "SYN_SENT": return False
        return bool(self.rx or self.rcv_shut or self.err or self.state in ("CLOSE", "FRESH"))
    def writable(self):
        if self.state in ("LISTEN", "SYN_SENT"): return False
        return bool(self.snd_shut or self.err or self.state in ("CLOSE", "FRESH") or self.k.SB - self.used() >= self.used() // 2)
    def used(self): return len(self.sndq) + self.snd_nxt - self.una

    # -- calls
    def getpeername(self):
        self.enter()
        if self.state in ("FRESH", "SYN_SENT", "LISTEN", "CLOSE"): fail("ENOTCONN")
        return super().getpeername()
    def listen(self, backlog):
        self.enter()
        if self.k.listener(self.type, self.family, self.port) not in (None, self): fail("EADDRINUSE")
        if self.state == "FRESH": self.state, self.queue = "LISTEN", []
        self.backlog = backlog
    def accept(self):
        self.enter()
        if self.state != "LISTEN": fail("EINVAL")
        if not self.queue: fail("EAGAIN")
        c = self.queue.pop(0)
        c.fd = self.k.add(c)
        self.fresh = c
        return c, c.addr(c.peer_addr)
    def connect(self, addr):
        self.enter()
        if self.state == "SYN_SENT": fail("EALREADY")
        if self.state != "FRESH":
            if self.connect_reported or self.state == "LISTEN": fail("EISCONN")
            if self.state == "CLOSE":          # the attempt failed: told once, then the socket is as new
                self.begin("FRESH"); self.take_err(); fail("ECONNABORTED")
            self.connect_reported = True
            return
        if self.port is None: self.port = self.k.ephemeral()
        self.peer_addr, self.state, self.attempt = addr[1], "SYN_SENT", self.attempt + 1
        self.syn(self.attempt, SYN_TRIES)
        fail("EINPROGRESS")
    def send(self, data):
        self.enter()
        if self.state not in ("ESTABLISHED", "CLOSE_WAIT"):
            self.take_err()
            fail("EAGAIN" if self.state == "SYN_SENT" else "EPIPE")
        data = bytes(data)
        n = min(len(data), self.k.SB - self.used())
        if n <= 0 and data: fail("EAGAIN")
        self.sndq += data[:n]
        self.push()
        return n
    def recv(self, n):
        self.enter()
        if self.state == "LISTEN": fail("ENOTCONN")
        if self.rx:
            data = bytes(self.rx[:n]); del self.rx[:n]
            self.read_total += len(data)
            right = self.read_total + self.k.RB
            if 2 * (right - self.adv) >= self.k.RB and not self.rcv_shut and self.state != "CLOSE":
                self.ack()                     # window update
            return data
        if self.fin_rcvd: return b""
        self.take_err()
        if self.rcv_shut: return b""
        fail("ENOTCONN" if self.state in ("FRESH", "CLOSE") else "EAGAIN")
    def shutdown(self, how):
        self.enter()
        if self.state == "SYN_SENT":           # ends the attempt
            self.begin("FRESH"); self.err = "ECONNRESET"; return
        if self.state in ("FRESH", "CLOSE", "LISTEN"): fail("ENOTCONN")
        self.snd_shut = True
        self.fin()
    def on_close(self):
        if self.state == "LISTEN":
            self.unclaim(); self.state = "CLOSE"
            for c in self.queue: c.reset()
            return
        self.unclaim()
        if self.state in ("FRESH", "CLOSE", "SYN_SENT"): self.state = "CLOSE"
        elif self.rx or self.linger0: self.reset()
        else:
            self.orphan = True
            self.fin()

    # -- sending
    def net(self, fn, *args): self.k.after(self.k.L, fn, *args)
    def syn(self, attempt, tries):
        if self.state != "SYN_SENT" or attempt != self.attempt: return    # a retry after it was answered or closed
        self.net(self.at_listener)
        if tries > 1: self.k.after(SYN_RETRY, self.syn, attempt, tries - 1)
    def ack(self):
        self.adv = self.read_total + self.k.RB
        self.net(self.peer.on_ack, self.rcv_nxt, self.adv, self.fin_rcvd)
    def reset(self):
        if self.state in ("ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV"): self.net(self.peer.on_rst)
        self.dead()
    def dead(self):
        self.state, self.rcv_shut, self.snd_shut = "CLOSE", True, True
        self.sndq.clear(); self.una = self.snd_nxt
    def fin(self):
        if self.fin_queued: return
        self.fin_queued = True
        self.state = "FIN_WAIT1" if self.state == "ESTABLISHED" else "LAST_ACK"
        self.push()
    def push(self):
        n = min(len(self.sndq), self.wnd - self.snd_nxt)
        if n > 0:
            data = bytes(self.sndq[:n]); del self.sndq[:n]
            self.snd_nxt += n
            self.net(self.peer.on_data, data)
        if self.fin_queued and not self.fin_sent and not self.sndq and self.snd_nxt < self.wnd:
            self.fin_sent = True
            self.net(self.peer.on_fin)

    # -- arriving
    def at_listener(self):                     # SYN (self = the client)
        lst = self.k.listener(self.type, self.family, self.peer_addr)
        if lst is None:
            self.net(self.on_refused); return
        if len(lst.queue) > lst.backlog: return
        c = Tcp(self.k, self.family, "SYN_RECV")
        c.peer, c.port, c.peer_addr, c.listener = self, self.peer_addr, self.port, lst
        self.net(self.on_synack, c)
    def on_synack(self, child):
        if self.state != "SYN_SENT":           # closed meanwhile: the child is never seen
            self.net(child.on_rst); return
        self.peer, self.state = child, "ESTABLISHED"
        self.net(child.on_ack3)
    def on_ack3(self):
        if self.listener.state != "LISTEN":
            self.reset(); return
        self.state = "ESTABLISHED"
        self.listener.queue.append(self)
    def on_data(self, data):
        if self.state in ("CLOSE", "FRESH") or self.orphan:
            self.refuse(); return
        self.rx += data; self.rcv_nxt += len(data)
        self.ack()
    def refuse(self):
        """Data for a socket that nobody can read from any more."""
        self.net(self.peer.on_rst)
        self.dead()
    def on_fin(self):
        if self.state in ("CLOSE", "FRESH"):
            self.net(self.peer.on_rst); return
        self.fin_rcvd = self.rcv_shut = True
        self.ack()
        if self.state == "ESTABLISHED": self.state = "CLOSE_WAIT"
        elif self.state == "FIN_WAIT1" and not self.fin_acked: self.state = "CLOSING"
        else: self.state = "CLOSE"
    def on_ack(self, upto, wnd, fin):
        if self.state in ("CLOSE", "FRESH"): return
        self.una, self.wnd = max(self.una, upto), max(self.wnd, wnd)
        self.push()
        if fin_acked(self, upto, fin):
            self.fin_acked = True
            if self.state == "FIN_WAIT1": self.state = "FIN_WAIT2"
            elif self.state in ("CLOSING", "LAST_ACK"): self.state = "CLOSE"
    def on_refused(self):                      # a RST without a sequence number of this connection: nothing once it stands
        if self.state == "SYN_SENT": self.on_rst()
    def on_rst(self):
        if self.state in ("CLOSE", "FRESH"): return
        if self.state == "SYN_RECV":
            self.dead(); return
        self.err = {"SYN_SENT": "ECONNREFUSED", "CLOSE_WAIT": "EPIPE"}.get(self.state, "ECONNRESET")
        self.dead()

def fin_acked(s, upto, fin):
    return s.fin_sent and not s.fin_acked and fin and upto == s.snd_nxt


# ---------------------------------------------------------------- UDP
class Udp(Sock):
    type, proto = socket.SOCK_DGRAM, socket.IPPROTO_UDP
    MAX = 65507
    def __init__(self, k, family):
        super().__init__(k, family)
        self.queue = []                        # (data, source port)
    def readable(self): return bool(self.queue or self.err)
    def writable(self): return True
    def autobind(self):
        if self.port is None: self.claim(self.k.ephemeral())
    def connect(self, addr):
        self.enter(); self.autobind()
        self.peer_addr = addr[1]
    def send(self, data):
        self.enter()
        if self.peer_addr is None: fail("EDESTADDRREQ")
        return self.out(data, self.peer_addr)
    def sendto(self, data, *rest):
        self.enter()
        return self.out(data, rest[-1][1])
    def out(self, data, port):
        data = bytes(data)
        if len(data) > self.MAX: fail("EMSGSIZE")
        self.autobind()
        self.take_err()
        self.k.after(self.k.L, self.arrive, data, port)
        return len(data)
    def arrive(self, data, port):              # self = the sender
        dst = next(iter(self.k.bound.get((self.type, self.family, port), ())), None)
        if dst is None or dst.peer_addr not in (None, self.port):
            self.k.after(self.k.L, self.unreachable, port)
        elif len(dst.queue) < self.k.UQ:
            dst.queue.append((data, self.port))
    def unreachable(self, port):
        if self.peer_addr == port: self.err = "ECONNREFUSED"
    def recvfrom(self, n):
        self.enter()
        self.take_err()
        if not self.queue: fail("EAGAIN")
        data, port = self.queue.pop(0)
        return data[:n], self.addr(port)
    def recv(self, n): return self.recvfrom(n)[0]
    def on_close(self): self.unclaim()


# ---------------------------------------------------------------- Unix stream sockets: no latency
class Unix(Sock):
    type = socket.SOCK_STREAM
    def __init__(self, k, fd=True):
        super().__init__(k, socket.AF_UNIX, fd)
        self.rx, self.peer, self.rcv_shut, self.snd_shut, self.queue, self.listening = bytearray(), None, False, False, [], False
    def addr(self, port): return port or ""
    def bind(self, path):
        self.enter(); self.claim(path.encode() if isinstance(path, str) else path)
    def getpeername(self): return self.addr(self.peer.port if self.peer else None)
    def used(self): return len(self.peer.rx) if self.peer else 0
    def readable(self): return bool(self.queue) if self.listening else bool(self.rx or self.rcv_shut or self.err or not self.peer)
    def writable(self): return not self.listening and bool(self.err or not self.peer or 4 * self.used() <= self.k.SB or (self.snd_shut and self.rcv_shut))
    def listen(self, backlog): self.enter(); self.listening, self.backlog = True, backlog
    def connect(self, path):
        self.enter()
        lst = self.k.listener(self.type, self.family, path.encode() if isinstance(path, str) else path)
        if lst is None: fail("ECONNREFUSED")
        if len(lst.queue) > lst.backlog: fail("EAGAIN")
        c = Unix(self.k, fd=False)
        c.port, c.peer, self.peer = lst.port, self, c
        lst.queue.append(c)
    def accept(self):
        self.enter()
        if not self.queue: fail("EAGAIN")
        c = self.queue.pop(0)
        c.fd = self.k.add(c)
        self.fresh = c
        return c, ""
    def send(self, data):
        self.enter()
        if self.peer is None: fail("ENOTCONN")
        if self.snd_shut or self.peer.rcv_shut: fail("EPIPE")
        data = bytes(data)
        n = min(len(data), self.k.SB - self.used())
        if n <= 0 and data: fail("EAGAIN")
        self.peer.rx += data[:n]
        return n
    def recv(self, n):
        self.enter()
        if self.peer is None: fail("EINVAL")
        if self.rx:
            data = bytes(self.rx[:n]); del self.rx[:n]
            return data
        self.take_err()
        if self.rcv_shut: return b""
        fail("EAGAIN")
    def shutdown(self, how):
        self.enter()
        if self.peer is None: fail("ENOTCONN")
        self.snd_shut = self.peer.rcv_shut = True
    def on_close(self, embryo=False):
        self.unclaim()
        for c in self.queue: c.on_close(True)
        p = self.peer
        if p:
            if self.rx or embryo: p.err = "ECONNRESET"
            p.rcv_shut = p.snd_shut = self.rcv_shut = self.snd_shut = True
            self.rx.clear()
