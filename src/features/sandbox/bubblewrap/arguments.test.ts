import { expect, test } from "vitest"
import { type BubblewrapSetup, createBubblewrapArguments } from "./arguments.ts"

const setup: BubblewrapSetup = {
  workspace: "/data/sessions/a",
  env: { KEY: "secret value" },
  folders: [{ name: "skill", variable: "SKILL_DIR", path: "/data/folders/b" }],
  node: "/usr/bin/node",
  pythonFolder: "/data/python",
  network: "none",
  asRoot: false,
  seccompFile: 4,
}

test("an ordinary user gets every namespace and no capability", () => {
  const all = createBubblewrapArguments(setup)
  expect(all).toContain("--unshare-all")
  expect(all).not.toContain("--share-net")
  expect(all).not.toContain("--cap-add")
})

test("root gets no user namespace, and the capabilities to become another user", () => {
  const all = createBubblewrapArguments({ ...setup, asRoot: true })
  expect(all.filter((argument) => argument.startsWith("--unshare"))).toEqual([
    "--unshare-ipc",
    "--unshare-pid",
    "--unshare-uts",
    "--unshare-cgroup-try",
    "--unshare-net",
  ])
  expect(all.filter((argument) => argument.startsWith("CAP_"))).toEqual([
    "CAP_SETUID",
    "CAP_SETGID",
    "CAP_SETPCAP",
  ])
})

test("only the network `host` shares a namespace", () => {
  expect(createBubblewrapArguments({ ...setup, network: "host" })).toContain("--share-net")
  const asRoot = createBubblewrapArguments({ ...setup, network: "host", asRoot: true })
  expect(asRoot).not.toContain("--unshare-net")
})

test("only system folders and harmless devices of the host are bound, read-only, with the working directory", () => {
  const all = createBubblewrapArguments(setup)
  const bound = all.flatMap((argument, index) =>
    /^--(dev-|ro-)?bind/.test(argument) ? [[argument, all[index + 1]]] : [],
  )
  expect(bound).toEqual([
    ["--ro-bind", "/usr"],
    ["--ro-bind-try", "/etc/alternatives"],
    ["--ro-bind-try", "/etc/ld.so.cache"],
    ["--ro-bind", "/usr/bin/node"],
    ["--ro-bind", "/data/python"],
    ...["null", "zero", "full", "random", "urandom"].map((name) => ["--dev-bind", `/dev/${name}`]),
    ["--bind", "/data/sessions/a"],
    ["--ro-bind", "/data/folders/b"],
  ])
})
