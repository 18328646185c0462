import assert from "node:assert/strict"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer, type Server } from "node:net"
import { homedir, tmpdir } from "node:os"
import { join } from "node:path"
import { openNewSandbox, run, type SandboxCase } from "../../../src/testing/sandbox/harness.ts"
import { assertStill } from "../../../src/testing/sandbox/heartbeat.ts"
import { exhaustion } from "./attacks-exhaustion.ts"
import { systemCalls } from "./attacks-system-calls.ts"

/**
 * Matches the environment of code that a shell started with an empty environment. Each shell sets some variables
 * itself.
 */
const offeredOrNothing = /OFFERED=yes|b'(PWD=\/\\x00)?(SHLVL=0\\x00)?'$/

/** Returns false for attacks that fill disks with many entries or much output, which takes a container minutes. */
export function isQuick(attack: SandboxCase): boolean {
  return !exhaustion.includes(attack) || /bomb|infinite loop/.test(attack.name)
}

/** Attacks of code on the machine, its neighbors and the gateway. A sandbox withstands all of them. */
export const attacks: readonly SandboxCase[] = [
  ...exhaustion,
  ...systemCalls,
  {
    name: "reading the host's files",
    async run(harness) {
      const folders = await Promise.all(
        [homedir(), tmpdir(), "/var/tmp"].map((folder) => mkdtemp(join(folder, "secret-"))),
      )
      try {
        const files = folders.map((folder) => join(folder, "secret.txt"))
        for (const file of files) await writeFile(file, secret, { mode: 0o644 })
        const tried = [
          ...files,
          "/etc/shadow",
          "/etc/passwd",
          "/root/.bashrc",
          "/var/run/docker.sock",
          "/home",
        ]
        const inside = files.map((file) => `/proc/1/root${file}`)
        const { stdout } = await run(
          harness,
          await openNewSandbox(harness),
          `
import json, os
seen = {}
for path in ${JSON.stringify([...tried, ...inside, "/proc/1/root/etc/shadow", "/dev/sda", "/dev/vda", "/dev/mem", "/dev/kmsg"])}:
    try: seen[path] = open(path, "rb").read(200).decode("latin1")
    except OSError: pass
print(json.dumps(seen))`,
        )
        const seen = JSON.parse(stdout) as Record<string, string>
        for (const [path, text] of Object.entries(seen)) {
          assert.doesNotMatch(text, new RegExp(secret), path)
          // The image has its own users.
          assert.equal(path, "/etc/passwd", `${path} can be read: ${text}`)
        }
      } finally {
        for (const folder of folders) await rm(folder, { recursive: true })
      }
    },
  },
  {
    name: "reading another session's files",
    async run(harness) {
      const victim = await openNewSandbox(harness)
      await victim.writeFile("secret.txt", Buffer.from(secret))
      const { stdout } = await run(
        harness,
        await openNewSandbox(harness),
        `
import os
for top in ["/workspace", "/tmp", "/dev/shm", "/var", "/srv", "/mnt", "/run", "/proc/1/cwd", "/proc/1/root/workspace", "${tmpdir()}"]:
    for folder, _, names in os.walk(top):
        for name in names:
            if name == "secret.txt": print(folder, open(os.path.join(folder, name)).read())`,
      )
      assert.equal(stdout, "")
    },
  },
  {
    name: "reading the environment of the gateway, of the host and of what started the code",
    async run(harness) {
      process.env.SANDBOX_TEST_SECRET = secret
      const { stdout } = await run(
        harness,
        await openNewSandbox(harness),
        `
import glob
for name in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
    try: print(name, open(name, "rb").read())
    except OSError: pass`,
      )
      delete process.env.SANDBOX_TEST_SECRET
      assert.match(stdout, /\/proc\/self\/environ/)
      assert.doesNotMatch(stdout, new RegExp(secret))
      const environments = stdout.split("\n").filter((line) => /^\/proc\/\w+\/environ /.test(line))
      for (const line of environments) assert.match(line, offeredOrNothing, line)
    },
  },
  {
    name: "reaching the host over loopback, abstract and named sockets",
    async run(harness) {
      const abstract = `\0agent-gateway-test-${process.pid}`
      const named = join(tmpdir(), `agent-gateway-test-${process.pid}.sock`)
      const reached: string[] = []
      const servers = await Promise.all([
        listen({ port: 0, host: "127.0.0.1" }),
        listen({ path: abstract }),
        listen({ path: named }),
      ])
      for (const server of servers)
        server.on("connection", (socket) => reached.push(String(socket.localAddress)))
      const address = servers[0]?.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      try {
        const { stdout } = await run(
          harness,
          await openNewSandbox(harness),
          `
import socket
def attempt(name, family, target):
    s = socket.socket(family)
    s.settimeout(3)
    try:
        s.connect(target)
        print("reached", name)
    except OSError as e:
        print("refused", name)
attempt("loopback", socket.AF_INET, ("127.0.0.1", ${port}))
attempt("abstract", socket.AF_UNIX, ${JSON.stringify(abstract).replace("\\u0000", "\\0")})
attempt("named", socket.AF_UNIX, ${JSON.stringify(named)})
attempt("outside", socket.AF_INET, ("1.1.1.1", 53))
print([name for _, name in socket.if_nameindex()] if False else open("/proc/net/dev").read().count(":"))`,
        )
        assert.equal(stdout, "refused loopback\nrefused abstract\nrefused named\nrefused outside\n1\n")
        assert.deepEqual(reached, [])
      } finally {
        for (const server of servers) server.close()
      }
    },
  },
  {
    name: "what it leaves in /tmp and in memory for the next execution",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const write = `
for folder in ["/tmp", "/dev/shm"]: open(folder + "/left", "w").write("left")`
      assert.equal((await run(harness, sandbox, write)).exitCode, 0)
      const { stdout } = await run(
        harness,
        sandbox,
        `
import os
print(os.listdir("/tmp"), os.listdir("/dev/shm"), len([p for p in os.listdir("/proc") if p.isdigit()]) < 8)`,
      )
      assert.equal(stdout, "[] [] True\n")
    },
  },
  {
    name: "writing where the system is",
    async run(harness) {
      const { stdout } = await run(
        harness,
        await openNewSandbox(harness),
        `
import os
for path in ["/usr/bin/evil", "/etc/evil", "/evil", "/proc/sys/kernel/core_pattern", "/sys/evil", "/dev/evil", "/bin/sh", "/opt/evil", "/proc/sysrq-trigger"]:
    try:
        open(path, "w").close()
        print("wrote", path)
    except OSError: pass
print(os.getuid() != 0, os.getgid() != 0, os.getgroups() in ([], [os.getgid()]))`,
      )
      assert.equal(stdout, "True True True\n")
    },
  },
  {
    name: "a daemon that ignores TERM and leaves its group",
    async run(harness) {
      const sandbox = await openNewSandbox(harness)
      const code = `
import os, signal, time
if os.fork() == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    for s in range(1, 32):
        try: signal.signal(s, signal.SIG_IGN)
        except OSError: pass
    for fd in range(0, 64):
        try: os.close(fd)
        except OSError: pass
    os.environ.clear()
    os.execve("/bin/sh", ["sh", "-c", "while :; do echo $$ >beat; sleep 0.02; done"], {})
while not os.path.exists("beat"): time.sleep(0.01)
print("left it behind")`
      assert.equal((await run(harness, sandbox, code)).stdout, "left it behind\n")
      await assertStill(sandbox)
    },
  },
]

/** Attacks that the rlimits of each process do not stop, as docs/code-execution.md states. */
export const needControlGroups: ReadonlySet<string> = new Set([
  // Without control groups, a freeze interrupts the call, and the socket disappears.
  "hiding disk in a socket that is closed while a thread receives",
  "a memory bomb of many processes",
  "keeping data in the buffers of connections, outside of any process",
])

const secret = "a-secret-of-the-host"

function listen(options: object): Promise<Server> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(options, () => resolve(server))
  })
}
