import { execFile } from "node:child_process"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { expect, test } from "vitest"
import { createAgent } from "../../src/gateway/create-agent.ts"
import { quiet, tools } from "../contract/gateway-under-test.ts"
import { installPythonPackages } from "../python-environment.ts"
import { temporaryFolder } from "./support/temporary-folder.ts"

const run = promisify(execFile)
const settings = fileURLToPath(new URL("../contract/schemathesis", import.meta.url))

test("a running gateway matches its OpenAPI document", { timeout: 600_000 }, async ({ skip }) => {
  const folder = await temporaryFolder()
  const programs = await installPythonPackages(folder, join(settings, "requirements.txt"))
  if (programs === null) {
    return skip(
      "The OpenAPI document was not tested with schemathesis: that needs python3 with venv (Debian: python3-venv).",
    )
  }
  const gateway = createAgent("You answer.", {
    provider: "demo",
    store: "memory",
    logger: quiet,
    tools,
    validApiKeys: ["key"],
    rateLimits: false,
    mcpServers: { absent: { url: "http://127.0.0.1:9/mcp" } },
    mcpOAuthRedirectUrl: "http://127.0.0.1/api/mcp/oauth/callback",
    secretsKey: "0123456789abcdef0123456789abcdef",
  })
  const { url } = await gateway.listen({ port: 0 })
  const args = ["--config-file", join(settings, "schemathesis.toml"), "run", `${url}/api/openapi.json`]
  const phases = ["--phases", "examples,coverage,fuzzing", "--max-examples", "20"]
  const fixed = ["--seed", "1", "--generation-deterministic"]
  const output = ["--workers", "1", "--continue-on-failure", "--no-color", "--warnings", "off"]
  try {
    const env = {
      ...process.env,
      SCHEMATHESIS_HOOKS: "hooks",
      PYTHONPATH: settings,
      PYTHONDONTWRITEBYTECODE: "1",
    }
    const { stdout } = await run(join(programs, "schemathesis"), [...args, ...phases, ...fixed, ...output], {
      cwd: folder,
      env,
      timeout: 540_000,
      maxBuffer: 64 * 1024 * 1024,
    }).catch((error: { readonly stdout?: string }) => {
      // Long repetitions in sent strings are shortened.
      throw new Error(String(error.stdout ?? error).replace(/(.)\1{80,}/g, "$1…"), { cause: error })
    })
    expect(stdout).toMatch(/No issues found/)
  } finally {
    await gateway.close({ graceMs: 0 })
  }
})
