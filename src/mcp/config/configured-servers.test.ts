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
