#!/usr/bin/env python3
"""Reference interpreter for the network difftest language (see LANGUAGE.md): real CPython asyncio over kernel.py.

usage: interp.py PROG.json              print the trace
       interp.py --batch DIR OUTDIR     run every DIR/*.json, write OUTDIR/NAME.trace
       interp.py --real PROG.json       the same program over the machine's real loopback sockets (L = 0 programs only)
"""
import asyncio, collections.abc, errno, gc, itertools, json, os, pathlib, re, selectors, socket, struct, sys, time, weakref
import asyncio.base_events, asyncio.selector_events, asyncio.unix_events, asyncio.tasks
from kernel import Deadlock, Kernel, NetSelector, Tcp, Udp, Unix

MAX_TASKS, MAX_TICKS = 200, 20000
HOST = "127.0.0.1"


class TickLimit(Exception): pass

# ---------------------------------------------------------------- loop
class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, selector, hosts):
        self.now, self.tick, self.hosts = 0.0, 0, hosts
        super().__init__(selector)
        self._clock_resolution = 1e-9
    def time(self):
        return self.now
    def _run_once(self):
        self.tick += 1
        if self.tick > MAX_TICKS:
            raise TickLimit
        super()._run_once()
    async def getaddrinfo(self, host, port, *, family=0, type=0, proto=0, flags=0):
        """The fake resolver: a timer, then the addresses of program["net"]["hosts"] in the order given."""
        delay, addrs = self.hosts.get(host, (0, []))
        fut = self.create_future()
        self.call_later(delay, asyncio.futures._set_result_unless_cancelled, fut, None)
        await fut
        out = []
        for a in addrs:
            af = socket.AF_INET6 if ":" in a else socket.AF_INET
            if family in (0, af):
                out.append((af, type, socket.IPPROTO_UDP if type == socket.SOCK_DGRAM else socket.IPPROTO_TCP, "",
                            (a, port, 0, 0) if af == socket.AF_INET6 else (a, port)))
        if not out:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return out


class RealSelector(selectors.EpollSelector):
    """--real: poll the machine's sockets; when they stay quiet, jump the virtual clock."""
    loop, order = None, {}
    def select(self, timeout=None):
        ev = super().select(0)
        if timeout is None or timeout > 0:
            for pause in (0.0002, 0.0005, 0.001, 0.002) + ((0.05,) if timeout is None else ()):
                if ev: break
                time.sleep(pause)
                ev = super().select(0)
            if not ev:
                if timeout is None: raise Deadlock
                self.loop.now = max(self.loop.now, self.loop._scheduled[0]._when)
        return sorted(ev, key=lambda e: self.order.get(e[0].fd, 0))

class RealSock(socket.socket):
    seq, fresh = 0, None
    def __init__(self, *a, **k):
        super().__init__(*a, **k); RealSock.number(self)
    @staticmethod
    def number(s):
        RealSock.seq += 1; RealSelector.order[s.fileno()] = RealSock.seq
    def accept(self):
        fd, addr = self._accept()
        self.fresh = RealSock(self.family, self.type, self.proto, fileno=fd)
        return self.fresh, addr


# ---------------------------------------------------------------- shadowed names (the whole list is in LANGUAGE.md)
class OrderedSet(collections.abc.MutableSet):
    def __init__(self, it=()): self._d = dict.fromkeys(it)
    def __contains__(self, x): return x in self._d
    def __iter__(self): return iter(list(self._d))
    def __len__(self): return len(self._d)
    def add(self, x): self._d[x] = None
    def discard(self, x): self._d.pop(x, None)
    def copy(self): return list(self._d)

class Shim:
    """A module with some names replaced."""
    def __init__(self, module, **names): self.__dict__.update(names); self._m = module
    def __getattr__(self, name): return getattr(self._m, name)

def new_socket(family=socket.AF_INET, type=socket.SOCK_STREAM, proto=0, fileno=None):
    return Machine.current.new_socket(family, type, proto)

def shadow():
    asyncio.tasks.set = asyncio.base_events.set = OrderedSet
    asyncio.base_events.weakref = Shim(weakref, WeakSet=OrderedSet)
    asyncio.base_events.socket = asyncio.unix_events.socket = Shim(socket, socket=new_socket)


# ---------------------------------------------------------------- formatting
class UserError(Exception): pass

def runs(text):
    """'a5/b' -> b'aaaaa\\nb'"""
    return b"".join((b"\n" if c == "/" else c.encode()) * int(n or 1) for c, n in re.findall(r"([^0-9])([0-9]*)", text))

def fdata(b):
    b = bytes(b)
    rs = [(k, len(list(g))) for k, g in itertools.groupby(b)]
    text = "".join(("/" if k == 10 else chr(k)) + (str(n) if n > 1 else "") for k, n in rs[:8])
    if len(rs) > 8: text += f"~{sum((i + 1) * c for i, c in enumerate(b)) % 65521}"
    return f"{len(b)}[{text}]"

def fmt(v):
    if isinstance(v, BaseException): return fexc(v)
    if isinstance(v, (bytes, bytearray)): return fdata(v)
    if isinstance(v, (list, tuple)): return "[" + ", ".join(map(fmt, v)) + "]"
    return "None" if v is None else str(v)

def fexc(e):
    if isinstance(e, asyncio.CancelledError): return f"Cancelled({e.args[0]!r})" if e.args else "Cancelled"
    if isinstance(e, UserError): return f"E:{e.args[0]}"
    if isinstance(e, asyncio.IncompleteReadError): return f"IncompleteRead({fdata(e.partial)}, {e.expected})"
    if isinstance(e, asyncio.LimitOverrunError): return f"LimitOverrun({e.consumed})"
    if isinstance(e, OSError) and e.errno is not None and not isinstance(e, socket.gaierror):
        return f"{type(e).__name__}({errno.errorcode[e.errno]})"
    if isinstance(e, TimeoutError): return "Timeout"
    return type(e).__name__

def fstate(f):
    if not f.done(): return "pending"
    if f.cancelled(): return "cancelled"
    return f"exc {fexc(f.exception())}" if f.exception() is not None else f"val {fmt(f.result())}"

KINDS = {"Cancelled": asyncio.CancelledError, "Timeout": TimeoutError, "OSError": OSError, "E": UserError, "Incomplete": asyncio.IncompleteReadError,
         "Overrun": asyncio.LimitOverrunError, "Exception": Exception, "Base": BaseException}
SYNC_ERRORS = (RuntimeError, ValueError, OSError, asyncio.InvalidStateError)


class Handle:
    def __init__(self, obj, idx, name): self.obj, self.idx, self.name = obj, idx, name

class Act:
    """One activity: label for the trace, dependency index, and the connection that `@c` means."""
    def __init__(self, label, idx, conn=None): self.label, self.idx, self.conn = label, idx, conn

class Conn:
    """A stream pair or a protocol's transport."""
    def __init__(self, name, transport, reader=None, writer=None, proto=None):
        self.name, self.transport, self.reader, self.writer, self.proto = name, transport, reader, writer, proto
        self.raw = transport._sock

INF = float("inf")

# ---------------------------------------------------------------- scripted protocols
class ProtoBase:
    def __init__(self, m, spec, inst):
        self.m, self.spec, self.inst, self.act = m, m.prog["protos"][spec], inst, Act(f"p:{inst}", INF, inst)
        self.last, self.count, self.paused = b"", 0, False
        m.keep.append(self)
    def hit(self, text, *events):
        self.m.out(self.act.label, text)
        for e in events:
            for s in self.spec.get(e, ()): self.m.sync(s, self.act)
    def connection_made(self, tr):
        self.m.bind_conn(self.inst, Conn(self.inst, tr, proto=self))
        self.hit("made", "made")
    def connection_lost(self, exc): self.hit(f"lost {fmt(exc)}", "lost")
    def pause_writing(self): self.hit("pause", "pause")
    def resume_writing(self): self.hit("resume", "resume")

class StreamProto(ProtoBase, asyncio.Protocol):
    def data_received(self, data):
        self.last = data; self.count += 1
        self.hit(f"data {fdata(data)}", f"data{self.count}", "data")
    def eof_received(self):
        self.hit("eof", "eof")
        return self.spec.get("keep", False)

class BufProto(ProtoBase, asyncio.BufferedProtocol):
    def get_buffer(self, hint):
        n = self.spec["buffer"]
        self.buf = bytearray(n)
        return self.buf
    def buffer_updated(self, n):
        self.last = bytes(self.buf[:n]); self.count += 1
        self.hit(f"buffer {fdata(self.last)}", f"data{self.count}", "data")
    eof_received = StreamProto.eof_received

class DgramProto(ProtoBase, asyncio.DatagramProtocol):
    source = None
    def datagram_received(self, data, addr):
        self.last, self.source = data, addr; self.count += 1
        self.hit(f"dgram {fdata(data)} from {self.m.pname(addr[1])}", f"data{self.count}", "data")
    def error_received(self, exc): self.hit(f"error {fexc(exc)}", "error")


class Machine:
    current, runs, near, far = None, 0, HOST, HOST       # where servers bind, where clients connect
    def __init__(self, prog, real=False):
        Machine.current = self
        self.prog, self.lines, self.open, self.real, net = prog, [], True, real, prog["net"]
        Machine.runs += 1
        self.base = 20000 + (os.getpid() * 7 + Machine.runs) % 90 * 100 if real else 0
        sel = RealSelector() if real else NetSelector()
        self.loop = VirtualLoop(sel, net.get("hosts", {}))
        if real: sel.loop = self.loop
        else: sel.kernel = self.kernel = Kernel(self.loop, net)
        self.loop.set_exception_handler(self.on_handler)
        self.handles, self.counts, self.tasks, self.timers, self.tms = {}, {}, [], {}, {}
        self.conns, self.conn_list, self.servers, self.socks, self.keep = {}, [], {}, {}, []
        self.counter = 0
        self.objs = {n: asyncio.Event() if k[0] == "event" else self.loop.create_future() for n, k in prog.get("objects", {}).items()}

    # -------------------------------------------------- trace
    def out(self, label, text):
        if self.open:
            self.lines.append(f"{self.loop.tick} {self.loop.now:.2f} {label} {text}")

    def on_handler(self, loop, ctx):
        msg = ctx["message"]
        if msg.startswith("Exception in callback"): msg = "Exception in callback"
        if "never retrieved" in msg or "destroyed" in msg: return
        self.out("*", f"handler {msg}: {fexc(ctx['exception'])}")

    # -------------------------------------------------- sockets, ports
    def new_socket(self, family, type, proto):
        if self.real:
            s = RealSock(family, type, proto)
        else:
            s = Unix(self.kernel) if family == socket.AF_UNIX else Tcp(self.kernel, family) if type == socket.SOCK_STREAM else Udp(self.kernel, family)
        self.keep.append(s)
        return s
    def port(self, p): return self.base + p
    def pname(self, p): return "eph" if p >= 30000 else str(p - self.base)
    def path(self, p): return f"\0cp{os.getpid() if self.real else ''}{p}"

    # -------------------------------------------------- names
    def next_idx(self):
        self.counter += 1
        return self.counter

    def instance(self, name):
        n = self.counts[name] = self.counts.get(name, 0) + 1
        return name if n == 1 else f"{name}#{n}"

    def lookup(self, name):
        if name == "@self":
            return next((h for h in self.tasks if h.obj is asyncio.current_task()), None)
        if name in self.handles: return self.handles[name]
        if isinstance(self.objs.get(name), asyncio.Future): return Handle(self.objs[name], INF, name)
        return None

    def noref(self):
        f = self.loop.create_future(); f.set_result("noref")
        return f

    def ref(self, name, act):
        h = self.lookup(name)
        return h if h and h.idx > act.idx else Handle(self.noref(), INF, "noref")

    def conn(self, name, act): return self.conns.get(act.conn if name == "@c" else name)
    def bind_conn(self, inst, c):
        self.conns[inst] = self.conns[re.sub(r"#[0-9]+$", "", inst)] = c
        self.conn_list.append(c)

    # -------------------------------------------------- tasks
    def spawn(self, fn, name, make):
        if len(self.tasks) >= MAX_TASKS:
            return None
        inst, idx = self.instance(name), self.next_idx()
        task = make(self.body(fn, Act(inst, idx)))
        self.tasks.append(Handle(task, idx, inst))
        self.handles[name] = self.handles[inst] = self.tasks[-1]
        return inst

    async def body(self, fn, act):
        self.out(act.label, "start")
        try:
            _, v = await self.block(self.prog["main"] if fn == "main" else self.prog["funcs"][fn], act, None)
        except BaseException as e:
            self.out(act.label, f"end ! {fexc(e)}"); raise
        self.out(act.label, f"end -> {fmt(v)}")
        return v

    async def handler(self, fn, act):
        """What start_server's task runs: it gets its name when it first runs."""
        h = Handle(asyncio.current_task(), act.idx, act.label)
        self.tasks.append(h); self.handles[act.label] = h
        return await self.body(fn, act)

    # -------------------------------------------------- awaitables
    def mk(self, a, act):
        k = a["a"]
        if k == "sleep": return asyncio.sleep(a["t"])
        if k == "never": return self.loop.create_future()
        if k == "call": return self.body(a["f"], Act(f"{act.label}/{a['f']}", act.idx, act.conn))
        if k == "ref": return self.ref(a["t"], act).obj
        if k == "ewait": return self.objs[a["o"]].wait()
        if k == "wait_for": return asyncio.wait_for(self.mk(a["of"], act), a["t"])
        if k == "shield": return asyncio.shield(self.mk(a["of"], Act(act.label, self.next_idx(), act.conn)))
        if k == "gather": return asyncio.gather(*[self.mk(x, Act(act.label, self.next_idx(), act.conn)) for x in a["of"]], return_exceptions=a.get("rx", False))
        return getattr(self, "a_" + k)(a, act)

    # streams and connections
    def dest(self, a): return dict(host=a.get("host", self.far), port=self.port(a["port"]))
    def bind_addr(self, a): return dict(host=a.get("host", self.near), port=self.port(a["port"]))

    async def a_open(self, a, act):
        kw = {"limit": a["limit"]} if "limit" in a else {}
        if "path" in a: r, w = await asyncio.open_unix_connection(self.path(a["path"]), **kw)
        elif "k" in a: r, w = await asyncio.open_connection(sock=self.socks.pop(a["k"]), **kw)
        else: r, w = await asyncio.open_connection(**self.dest(a), **kw)
        inst = self.instance(a["as"])
        self.bind_conn(inst, Conn(inst, w.transport, r, w))
        return inst

    async def a_connect(self, a, act):
        made = []
        def factory():
            made.append(self.instance(a["as"]))
            return self.proto(a["p"], made[0])
        if "path" in a: await self.loop.create_unix_connection(factory, self.path(a["path"]))
        elif "k" in a: await self.loop.create_connection(factory, sock=self.socks.pop(a["k"]))
        else: await self.loop.create_connection(factory, **self.dest(a))
        return made[0]

    def proto(self, spec, inst):
        kind = self.prog["protos"][spec]
        return (BufProto if "buffer" in kind else DgramProto if kind.get("dgram") else StreamProto)(self, spec, inst)

    async def a_serve(self, a, act):
        """start_server (with f) or create_server (with p)"""
        inst, count = self.instance(a["as"]), itertools.count(1)
        kw = {k: a[k] for k in ("backlog", "start_serving") if k in a}
        if "p" in a:
            factory = lambda: self.proto(a["p"], f"{inst}.{next(count)}")
            if "path" in a: s = await self.loop.create_unix_server(factory, self.path(a["path"]), **kw)
            else: s = await self.loop.create_server(factory, **self.bind_addr(a), **kw)
        else:
            if "limit" in a: kw["limit"] = a["limit"]
            def cb(r, w):
                label = f"{inst}.{next(count)}"
                self.bind_conn(label, Conn(label, w.transport, r, w))
                self.out(f"p:{label}", "connected")
                return self.handler(a["f"], Act(label, self.next_idx(), label))
            if "path" in a: s = await asyncio.start_unix_server(cb, self.path(a["path"]), **kw)
            else: s = await asyncio.start_server(cb, **self.bind_addr(a), **kw)
        self.servers[a["as"]] = self.servers[inst] = s
        return inst

    async def a_endpoint(self, a, act):
        made = []
        def factory():
            made.append(self.instance(a["as"]))
            return self.proto(a["p"], made[0])
        kw = {}
        if "local" in a: kw["local_addr"] = (self.near, self.port(a["local"]))
        if "remote" in a: kw["remote_addr"] = (self.far, self.port(a["remote"]))
        if not kw: kw["family"] = socket.AF_INET
        await self.loop.create_datagram_endpoint(factory, **kw)
        return made[0]

    def on_reader(self, a, act, call):
        c = self.conn(a["s"], act)
        return self.noref() if c is None or c.reader is None else call(c)
    def a_read(self, a, act): return self.on_reader(a, act, lambda c: c.reader.read(a["n"]))
    def a_readexactly(self, a, act): return self.on_reader(a, act, lambda c: c.reader.readexactly(a["n"]))
    def a_readline(self, a, act): return self.on_reader(a, act, lambda c: c.reader.readline())
    def a_readuntil(self, a, act):
        seps = [runs(x) for x in a["sep"]]
        return self.on_reader(a, act, lambda c: c.reader.readuntil(seps[0] if len(seps) == 1 else tuple(seps)))
    def a_drain(self, a, act): return self.on_reader(a, act, lambda c: c.writer.drain())
    def a_wait_closed(self, a, act): return self.on_reader(a, act, lambda c: c.writer.wait_closed())

    # servers
    def on_server(self, a, call):
        s = self.servers.get(a["s"])
        return self.noref() if s is None else call(s)
    def a_srv_wait(self, a, act): return self.on_server(a, lambda s: s.wait_closed())
    def a_forever(self, a, act): return self.on_server(a, lambda s: s.serve_forever())
    def a_start(self, a, act): return self.on_server(a, lambda s: s.start_serving() if s.sockets else self.noref())

    # sock_*
    def on_sock(self, a, call):
        s = self.socks.get(a["k"])
        return self.noref() if s is None else call(s)
    def a_sock_connect(self, a, act): return self.on_sock(a, lambda s: self.loop.sock_connect(s, self.raw_addr(s, a["port"])))
    def a_sock_recv(self, a, act): return self.on_sock(a, lambda s: self.loop.sock_recv(s, a["n"]))
    def a_sock_recvfrom(self, a, act):
        async def go(s):
            data, addr = await self.loop.sock_recvfrom(s, a["n"])
            return f"{fdata(data)} from {self.pname(addr[1])}"
        return self.on_sock(a, go)
    def a_sock_sendall(self, a, act): return self.on_sock(a, lambda s: self.loop.sock_sendall(s, runs(a["d"])))
    def a_sock_sendto(self, a, act): return self.on_sock(a, lambda s: self.loop.sock_sendto(s, runs(a["d"]), self.raw_addr(s, a["port"])))
    def a_sock_recv_into(self, a, act):
        async def go(s):
            buf = bytearray(a["n"])
            n = await self.loop.sock_recv_into(s, buf)
            return f"{n} {fdata(buf[:n])}"
        return self.on_sock(a, go)
    def a_sock_accept(self, a, act):
        async def go(s):
            s.fresh = None
            try:
                conn, addr = await self.loop.sock_accept(s)
            except BaseException:              # cancelled although it had just accepted: nobody will ever hold that socket
                if s.fresh is not None: s.fresh.close()
                raise
            s.fresh = None
            self.keep.append(conn)
            self.socks[a["as"]] = conn
            return a["as"]
        return self.on_sock(a, go)
    def raw_addr(self, s, port): return self.far, self.port(port)

    # -------------------------------------------------- statements
    async def block(self, stmts, act, cur):
        for s in stmts:
            r = await self.stmt(s, act, cur)
            if r is not None:
                return r
        return False, None

    async def stmt(self, s, act, cur):
        op, out = s["op"], lambda text: self.out(act.label, text)
        if op == "do":
            try:
                v = await self.mk(s["a"], act)
            except BaseException as e:
                out(f"s{s['i']} ! {fexc(e)}"); raise
            out(f"s{s['i']} = {fmt(v)}")
        elif op == "return":
            return True, s["v"]
        elif op == "reraise":
            raise cur
        elif op == "repeat":
            for _ in range(s["n"]):
                done, v = await self.block(s["body"], act, cur)
                if done: return True, v
        elif op == "lines":                    # async for line in reader
            c = self.conn(s["s"], act)
            if c is None or c.reader is None: out(f"s{s['i']} = noref"); return
            try:
                async for line in c.reader: out(f"s{s['i']} line {fdata(line)}")
            except BaseException as e:
                out(f"s{s['i']} ! {fexc(e)}"); raise
            out(f"s{s['i']} end")
        elif op == "try":
            return await self.try_(s, act, cur)
        elif op == "timeout":
            tm = asyncio.timeout(s["t"])
            try:
                async with tm:
                    r = await self.block(s["body"], act, cur)
            except BaseException as e:
                out(f"timeout {s['as']} ! {fexc(e)} expired={tm.expired()}"); raise
            out(f"timeout {s['as']} exit expired={tm.expired()}")
            if r[0]: return r
        else:
            self.sync(s, act)

    async def try_(self, s, act, cur):
        try:
            try:
                r = await self.block(s["body"], act, cur)
            except BaseException as e:
                for kind, handler in s.get("except", []):
                    if isinstance(e, KINDS[kind]) and not isinstance(e, GeneratorExit):
                        self.out(act.label, f"caught {fexc(e)}")
                        r = await self.block(handler, act, e)
                        break
                else:
                    raise
        finally:
            if "finally" in s:
                self.out(act.label, "finally")
                await self.block(s["finally"], act, cur)
        if r[0]: return r

    def sync(self, s, act):
        op = s["op"]
        if op == "log": self.out(act.label, f"log {s['m']}"); return
        if op == "raise": raise UserError(s["e"])
        try:
            r = self.sync_op(op, s, act)
        except SYNC_ERRORS as e:
            r = f"! {fexc(e)}"
        self.out(act.label, f"{op} {s.get('as') or s.get('s') or s.get('k') or s.get('t') or s.get('o') or s.get('h') or ''} {r}")

    def flushed(self, t):
        """In resume_writing of a closed transport whose buffer just ran empty: a write would register None (LANGUAGE.md, section 8)."""
        return t._closing and not t._buffer and not t._conn_lost

    def sync_op(self, op, s, act):
        if op == "spawn":
            n = self.spawn(s["f"], s["as"], lambda c: asyncio.create_task(c)); return "limit" if n is None else f"as {n}"
        if op == "cancel":
            h = self.lookup(s["t"]); return "noref" if h is None else f"-> {h.obj.cancel()}"
        if op == "state":
            h = self.lookup(s["t"]); return "noref" if h is None else fstate(h.obj)
        if op == "set": self.objs[s["o"]].set(); return "ok"
        if op in ("soon", "later"):
            inst = self.instance(s["as"]); sub = Act(f"cb:{inst}", INF, act.conn)
            def cb():
                self.out(sub.label, "run")
                for x in s["do"]: self.sync(x, sub)
            self.timers[s["as"]] = self.loop.call_soon(cb) if op == "soon" else self.loop.call_later(s["t"], cb)
            return f"as {inst}"
        if op == "sock": return self.op_sock(s)
        if op.startswith("k"): return self.op_raw(op, s, act)
        if op.startswith("srv_"):
            v = self.servers.get(s["s"])
            if v is None: return "noref"
            if op == "srv_close": v.close(); return "ok"
            if op == "srv_close_clients": v.close_clients(); return "ok"
            if op == "srv_abort_clients": v.abort_clients(); return "ok"
            if op == "srv_state": return f"serving={v.is_serving()} sockets={len(v.sockets)}"
        c = self.conn(s["s"], act)
        if c is None: return "noref"
        t = c.transport
        if t._loop is None and op in ("write", "abort"): return "ok"   # after connection_lost: no-ops
        if op == "write": (c.writer or t).write(b"" if self.flushed(t) else runs(s["d"])); return "ok"
        if op == "writelines":
            if t.is_closing(): return "skipped"
            (c.writer or t).writelines([runs(d) for d in s["d"]]); return "ok"
        if op == "write_eof": (c.writer or t).write_eof(); return "ok"
        if op == "close": (c.writer or t).close(); return "ok"
        if op == "abort": t.abort(); return "ok"
        if op == "is_closing": return str(t.is_closing())
        if op == "at_eof": return "noref" if c.reader is None else str(c.reader.at_eof())
        if op == "limits": t.set_write_buffer_limits(high=s.get("high"), low=s.get("low")); return f"{t.get_write_buffer_limits()[0]}..{t.get_write_buffer_limits()[1]}"
        if op == "wbuf": return str(t.get_write_buffer_size())
        if op == "pause": t.pause_reading(); return "ok"
        if op == "resume": t.resume_reading(); return "ok"
        if op == "is_reading": return str(t.is_reading())
        if op == "linger0":
            if t.is_closing(): return "skipped"
            t.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); return "ok"
        if op == "claim":
            if t.is_closing(): return "skipped"
            self.loop.add_reader(t.get_extra_info("socket"), lambda: None); return "ok"
        if op == "names": return " ".join(f"{k}={self.pname(v[1]) if isinstance(v, tuple) else v}" for k in ("sockname", "peername") for v in [t.get_extra_info(k)])
        if op == "echo":
            if not c.proto.last and not isinstance(c.proto, DgramProto): return "nothing"
            if isinstance(c.proto, DgramProto):
                if t.is_closing(): return "skipped"
                t.sendto(c.proto.last, c.proto.source if t.get_extra_info("peername") is None else None)
            else: t.write(b"" if self.flushed(t) else c.proto.last)
            return "ok"
        if op == "sendto":
            if t.is_closing(): return "skipped"
            t.sendto(runs(s["d"]), (self.far, self.port(s["port"])) if "port" in s else None); return "ok"
        raise AssertionError(op)

    # raw sockets: calls that never wait
    def op_sock(self, s):
        k = self.new_socket(socket.AF_INET, socket.SOCK_DGRAM if s.get("udp") else socket.SOCK_STREAM, 0)
        k.setblocking(False)
        if not s.get("udp"): k.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if "listen" in s: k.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socks[s["as"]] = k
        if "bind" in s: k.bind((self.near, self.port(s["bind"])))
        if "listen" in s: k.listen(s["listen"])
        if "connect" in s: k.connect((self.far, self.port(s["connect"])))   # only for udp
        return "ok"

    def op_raw(self, op, s, act):
        k = self.socks.get(s["k"])
        if k is None: return "noref"
        if op == "kclose": k.close(); return "ok"
        if op == "krecv": return fdata(k.recv(s["n"]))
        if op == "ksend": return str(k.send(runs(s["d"])))
        if op == "kaccept": self.socks[s["into"]], k.fresh = k.accept()[0], None; self.socks[s["into"]].setblocking(False); self.keep.append(self.socks[s["into"]]); return s["into"]
        if op == "kshutdown": k.shutdown(socket.SHUT_WR); return "ok"
        if op == "kerror": e = k.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR); return errno.errorcode[e] if e else "0"
        if op == "klinger0": k.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); return "ok"
        if op in ("kreader", "kwriter"):
            r, count, sub = op == "kreader", itertools.count(1), Act(f"{'r' if op == 'kreader' else 'w'}:{s['k']}", INF)
            fd = k.fileno()
            def cb():
                n = next(count)
                self.out(sub.label, f"run {n}")
                if n >= s["max"]: (self.loop.remove_reader if r else self.loop.remove_writer)(fd)
                for x in s["do"]: self.sync(x, sub)
            (self.loop.add_reader if r else self.loop.add_writer)(fd, cb); return "ok"
        if op == "kunreader": return str(self.loop.remove_reader(k.fileno()))
        if op == "kunwriter": return str(self.loop.remove_writer(k.fileno()))
        raise AssertionError(op)

    # -------------------------------------------------- driver
    def drive(self, aw):
        try:
            self.loop.run_until_complete(aw); return True
        except Deadlock: self.out("*", "deadlock")
        except TickLimit: self.out("*", "limit"); self.loop.tick = 0
        except (Exception, asyncio.CancelledError): return True
        return False

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.spawn("main", "main", self.loop.create_task)
        self.drive(self.tasks[0].obj)
        for k in (1, 2, 3):
            pend = [h for h in self.tasks if not h.obj.done()]
            if not pend: break
            self.out("*", f"drain {k} [{', '.join(h.name for h in pend)}]")
            for h in pend: h.obj.cancel()
            async def all_(): await asyncio.gather(*[h.obj for h in pend], return_exceptions=True)
            self.drive(all_())
        for h in self.tasks: self.out("=", f"{h.name} {fstate(h.obj)}")
        for c in self.conn_list:
            t = c.transport
            self.out("=", f"{c.name} closing={t.is_closing()} reading={t.is_reading()} wbuf={t.get_write_buffer_size()}" + ("" if c.reader is None else f" eof={c.reader.at_eof()}"))
        for n, s in self.servers.items(): self.out("=", f"{n} serving={s.is_serving()} sockets={len(s.sockets)}")
        self.open = False
        if self.real:
            for x in self.keep + [c.raw for c in self.conn_list]:
                if isinstance(x, socket.socket): x.close()
        self.loop.close()
        return self.lines


KEEP = []                                      # nothing may be collected while a trace is open
def run_program(prog, real=False):
    m = Machine(prog, real); KEEP.append(m)
    return m.run()


def prepare():
    gc.disable(); shadow()
    import warnings, logging
    warnings.simplefilter("ignore"); logging.disable(logging.CRITICAL)
    sys.unraisablehook = lambda *_: None

def main():
    prepare()
    args = [a for a in sys.argv[1:] if a != "--real"]
    if args[0] == "--batch":
        src, dst = pathlib.Path(args[1]), pathlib.Path(args[2]); dst.mkdir(parents=True, exist_ok=True)
        for p in sorted(src.glob("*.json")):
            (dst / (p.stem + ".trace")).write_text("\n".join(run_program(json.loads(p.read_text()), "--real" in sys.argv)) + "\n")
    else:
        print("\n".join(run_program(json.loads(pathlib.Path(args[0]).read_text()), "--real" in sys.argv)))
    sys.stdout.flush(); os._exit(0)            # skip finalizers of abandoned coroutines

if __name__ == "__main__":
    main()
