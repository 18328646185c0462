import { expect, it } from "vitest"
import { readConfiguredServers } from "./configured-servers.ts"

const certificates = { NODE_EXTRA_CA_CERTS: "/etc/ca.pem", SSL_CERT_FILE: "/etc/all.pem" }

async function environmentOf(env: Readonly<Record<string, string>>, own: Readonly<Record<string, string>>) {
  const mcpServers = { files: { command: "npx", env: own } }
  const [config] = await readConfiguredServers({ mcpServers }, { env, mcpConfigPath: undefined })
  return config?.transport.type === "stdio" ? config.transport.env : null
}

it("passes the locations of trusted certificates to local servers, and no other variable", async () => {
  const env = { ...certificates, ANTHROPIC_API_KEY: "secret", HTTPS_PROXY: "http://ada:secret@proxy" }
  expect(await environmentOf(env, { OWN: "1" })).toEqual({ ...certificates, OWN: "1" })
  expect(await environmentOf({}, {})).toEqual({})
})

it("prefers the variables of the server", async () => {
  const own = { NODE_EXTRA_CA_CERTS: "/own.pem" }
  expect(await environmentOf(certificates, own)).toEqual({ ...certificates, ...own })
})

it("passes the variables that a server inherits, or all of them", async () => {
  const env = { ...certificates, TOKEN: "secret", OTHER: "1" }
  const inherited = async (inheritEnv: true | readonly string[]) => {
    const mcpServers = { files: { command: "npx", inheritEnv, env: { OTHER: "own" } } }
    const [config] = await readConfiguredServers({ mcpServers }, { env, mcpConfigPath: undefined })
    return config?.transport.type === "stdio" ? config.transport.env : null
  }
  expect(await inherited(["TOKEN", "UNSET"])).toEqual({ ...certificates, TOKEN: "secret", OTHER: "own" })
  expect(await inherited(true)).toEqual({ ...env, OTHER: "own" })
})

it("starts only the allowed servers, and refuses a name that no server has", async () => {
  const mcpServers = { a: { command: "a" }, b: { command: "b" } }
  const namesWith = async (mcpAllowedServers: readonly string[]) => {
    const configs = await readConfiguredServers(
      { mcpServers, mcpAllowedServers },
      { env: {}, mcpConfigPath: undefined },
    )
    return configs.map(({ name }) => name)
  }
  expect(await namesWith(["b"])).toEqual(["b"])
  expect(await namesWith([])).toEqual([])
  await expect(namesWith(["c"])).rejects.toThrow('mcpAllowedServers: there is no server named "c"')
})

it("refuses overrides that seem to be seconds", async () => {
  const options = { mcpServers: { a: { command: "a" } }, mcpTimeoutOverrides: { a: 120 } }
  await expect(readConfiguredServers(options, { env: {}, mcpConfigPath: undefined })).rejects.toThrow(
    "mcpTimeoutOverrides.a: must be at least 1000, because the unit is a millisecond.",
  )
})

it("limits calls by tool of a server, by tool, and by server, in this order", async () => {
  const mcpTimeoutOverrides = { a: 1_000, read: 2_000, a__write: 3_000 }
  const [config] = await readConfiguredServers(
    {
      mcpServers: { a: { command: "a", timeoutMs: 9, tools: { list: { timeoutMs: 8 } } } },
      mcpTimeoutOverrides,
    },
    { env: {}, mcpConfigPath: undefined },
  )
  expect(["write", "read", "list"].map((tool) => config?.timeoutMs(tool))).toEqual([3_000, 2_000, 1_000])
})
