import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { describe, test } from "vitest"
import { notes } from "../../examples/15-plugin/agent.ts"
import { webhooks } from "../../examples/15-plugin/webhooks.ts"
import { makeDirectory } from "../../src/adapters/stores/sqlite/database/make-directory.ts"
import { mcpPlugin } from "../../src/features/mcp/plugin.ts"
import { memoryPlugin } from "../../src/features/memory/plugin.ts"
import { codeExecutionPlugin } from "../../src/features/sandbox/code-execution/plugin.ts"
import { schedulesPlugin } from "../../src/features/schedules/plugin.ts"
import { skillsPlugin } from "../../src/features/skills/plugin.ts"
import { subAgentsPlugin } from "../../src/features/sub-agents/plugin.ts"
import { type PluginHarness, pluginContract } from "../../src/testing/plugin/plugin-contract.ts"
import { temporaryFolder } from "../end-to-end/support/temporary-folder.ts"
import { installedServer } from "../mcp/support/servers.ts"
import { requires } from "../needs.ts"
import { sandboxDirectory } from "../sandbox/support/open.ts"

const noEnvironment = { env: {}, mcpConfigPath: undefined }

const plugins: Readonly<Record<string, PluginHarness>> = {
  "MCP servers": {
    async createPlugin() {
      const files = installedServer("mcp-server-filesystem", [await temporaryFolder()])
      return mcpPlugin({ mcpServers: { files: { ...files, instructions: true } } }, noEnvironment)
    },
  },
  "no MCP servers": { createPlugin: () => mcpPlugin({}, noEnvironment) },
  "code execution": {
    async createPlugin() {
      await requires("linux")
      return codeExecutionPlugin(
        { backends: ["subprocess"] },
        {
          directory: await sandboxDirectory(),
          prepareDirectory: makeDirectory,
          ephemeral: true,
          dockerSocket: undefined,
          searchPath: process.env.PATH,
          callbackTimeoutMs: 30_000,
        },
      )
    },
  },
  memory: { createPlugin: () => memoryPlugin({ recallAtStart: 3, retentionDays: 1 }) },
  skills: {
    async createPlugin() {
      const skillsDir = await temporaryFolder()
      await writeFile(join(skillsDir, "notes.md"), "Take notes.")
      await writeFile(join(skillsDir, "wrong.md"), "---\ntimeout: soon\n---\n")
      return skillsPlugin({ skillsDir, skillStateFile: join(skillsDir, "state.json") })
    },
  },
  schedules: {
    createPlugin: () =>
      schedulesPlugin({ allowSchedules: true }, () => ({ tenant: "tenant", userId: "user" })),
  },
  "sub-agents": { createPlugin: () => subAgentsPlugin({ maxDepth: 2 }) },
  "the example of a plugin": { createPlugin: () => notes({ most: 2 }) },
  "signed webhooks": {
    createPlugin: () => webhooks({ secrets: [`whsec_${Buffer.alloc(32, 7).toString("base64")}`] }),
  },
}

describe.each(Object.entries(plugins))("%s", (_, harness) => {
  test.each(pluginContract)("$name", (contractCase) => contractCase.run(harness), 180_000)
})
