import assert from "node:assert/strict"
import { openNewSandbox, run, type SandboxCase } from "../../../src/testing/sandbox/harness.ts"

const EPERM = 1
const ENOSYS = 38
const EAFNOSUPPORT = 97

/**
 * Python functions that call the C library and the kernel by name. Each prints the name of the call and the error
 * number.
 */
const prelude = `
import ctypes, os, platform, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
x64 = platform.machine() == "x86_64"
def call(name, result):
    print(name, ctypes.get_errno() if result < 0 else 0)
def syscall(name, number, *args):
    ctypes.set_errno(0)
    call(name, libc.syscall(ctypes.c_long(number), *args))
def attempt_socket(name, family, kind=socket.SOCK_STREAM, protocol=0):
    try:
        socket.socket(family, kind, protocol).close()
        print(name, 0)
    except OSError as e: print(name, e.errno)
`

function refusing(name: string, code: string, errors: readonly number[]): SandboxCase {
  return {
    name,
    async run(harness) {
      const { stdout, stderr } = await run(harness, await openNewSandbox(harness), prelude + code)
      const lines = stdout.trim().split("\n")
      assert.ok(lines.length > 0 && stdout !== "", stderr)
      for (const line of lines) {
        const [what, error] = line.split(" ")
        assert.ok(errors.includes(Number(error)), `${what} gave ${error}`)
      }
    },
  }
}

/** Attacks on the kernel and on other processes. */
export const systemCalls: readonly SandboxCase[] = [
  refusing(
    "sockets to the hypervisor, to the kernel and of the wire",
    `
attempt_socket("vsock", 40)
attempt_socket("netlink", 16, socket.SOCK_RAW)
attempt_socket("packet", 17, socket.SOCK_RAW)
attempt_socket("alg", 38, socket.SOCK_SEQPACKET)
attempt_socket("bluetooth", 31, socket.SOCK_RAW)
attempt_socket("raw", socket.AF_INET, socket.SOCK_RAW, 1)`,
    [EPERM, ENOSYS, EAFNOSUPPORT],
  ),
  refusing(
    "mounting",
    `
call("mount", libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
call("bind", libc.mount(b"/", b"/tmp", None, 4096, None))
call("umount", libc.umount2(b"/tmp", 0))
call("chroot", libc.chroot(b"/tmp"))
syscall("pivot_root", 155 if x64 else 41, b"/tmp", b"/tmp")
syscall("fsopen", 430, b"tmpfs", 0)
syscall("open_tree", 428, -100, b"/", 1)
syscall("mount_setattr", 442, -100, b"/", 0, None, 0)`,
    [EPERM, ENOSYS],
  ),
  refusing(
    "user namespaces and all others",
    `
for name, flag in [("user", 0x10000000), ("mount", 0x20000), ("pid", 0x20000000), ("net", 0x40000000), ("time", 0x80)]:
    ctypes.set_errno(0)
    call("unshare-" + name, libc.unshare(flag))
    if flag != 0x80: syscall("clone-" + name, 56 if x64 else 220, flag | 17, 0, 0, 0, 0)
syscall("clone3", 435, None, 0)
syscall("setns", 308 if x64 else 268, os.open("/proc/self/ns/net", os.O_RDONLY), 0)`,
    [EPERM, ENOSYS],
  ),
  refusing(
    "ptrace and the memory of others",
    `
child = os.fork()
if child == 0:
    import time; time.sleep(20)
for pid in [1, os.getppid(), child]:
    ctypes.set_errno(0)
    call("ptrace", libc.ptrace(16, pid, None, None))
    syscall("process_vm_readv", 310 if x64 else 270, pid, None, 0, None, 0, 0)
syscall("pidfd_getfd", 438, 0, 0, 0)
try:
    open("/proc/1/mem", "rb").read(1)
    print("mem 0")
except OSError as e: print("mem", 1)
os.kill(child, 9)`,
    [EPERM, ENOSYS],
  ),
  refusing(
    "corners of the kernel that are open to exploits",
    `
syscall("io_uring_setup", 425, 8, ctypes.create_string_buffer(256))
syscall("bpf", 321 if x64 else 280, 0, ctypes.create_string_buffer(256), 128)
syscall("perf_event_open", 298 if x64 else 241, ctypes.create_string_buffer(256), 0, -1, -1, 0)
syscall("userfaultfd", 323 if x64 else 282, 0)
syscall("keyctl", 250 if x64 else 219, 0, -3, 0)
syscall("add_key", 248 if x64 else 217, b"user", b"x", b"x", 1, -3)
syscall("open_by_handle_at", 304 if x64 else 265, -100, ctypes.create_string_buffer(64), 0)
syscall("kexec_load", 246 if x64 else 104, 0, 0, None, 0)
syscall("init_module", 175 if x64 else 105, None, 0, b"")
syscall("syslog", 103 if x64 else 116, 3, ctypes.create_string_buffer(64), 64)
syscall("reboot", 169 if x64 else 142, 0xfee1dead, 672274793, 0, None)
# Each takes from a count that the whole machine shares.
syscall("io_setup", 206 if x64 else 0, 1024, ctypes.byref(ctypes.c_ulong(0)))
syscall("newest", 470)`,
    [EPERM, ENOSYS],
  ),
  refusing(
    "keeping deleted files where no one sees them: in a Landlock ruleset, or with the kernel's own threads",
    `
syscall("landlock_create_ruleset", 444, ctypes.byref(ctypes.c_uint64(1)), 8, 0)
syscall("landlock_add_rule", 445, 0, 1, ctypes.create_string_buffer(12), 0)
linger = ctypes.byref((ctypes.c_int * 2)(1, 600))
tcp = socket.socket()
for name, number in [("SO_LINGER", 13), ("wide", 0x1_0000_000d)]:
    level = ctypes.c_long((number & ~0xffff_ffff) | 1)
    syscall(name, 54 if x64 else 208, ctypes.c_int(tcp.fileno()), level, ctypes.c_long(number), linger, 8)`,
    [EPERM, ENOSYS],
  ),
  refusing(
    "typing into a terminal, also by a number of which the kernel sees the lower half",
    `
# Of no terminal: what the filter lets through fails with ENOTTY, 25.
reader, writer = os.pipe()
for name, number in [("TIOCSTI", 0x5412), ("wide", 0x1_0000_5412)]:
    syscall(name, 16 if x64 else 29, ctypes.c_int(reader), ctypes.c_ulong(number), b"x")`,
    [EPERM, ENOSYS],
  ),
  {
    name: "becoming root, and killing others",
    async run(harness) {
      const { stdout } = await run(
        harness,
        await openNewSandbox(harness),
        `${prelude}
for change in [lambda: os.setuid(0), lambda: os.setgroups([0]), lambda: os.kill(${process.pid}, 9), lambda: os.nice(-5)]:
    try:
        change()
        print("done")
    except OSError: print("refused")
status = open("/proc/self/status").read()
for name in ["CapEff", "CapPrm", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"]:
    print(name, [line.split()[1] for line in status.split("\\n") if line.startswith(name + ":")][0])`,
      )
      const none = "0000000000000000"
      assert.equal(
        stdout,
        `${"refused\n".repeat(4)}CapEff ${none}\nCapPrm ${none}\nCapBnd ${none}\nCapAmb ${none}\nNoNewPrivs 1\nSeccomp 2\n`,
      )
    },
  },
]
