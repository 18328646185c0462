import { defineConfig } from "vitest/config"
import { UntestedReporter } from "./test/untested-reporter.ts"

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    reporters: ["default", new UntestedReporter()],
    globalSetup: "test/global-setup.ts",
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Tests know nothing of the models that this machine has keys for, or runs.
    env: {
      ANTHROPIC_API_KEY: "",
      ANTHROPIC_AUTH_TOKEN: "",
      // The AI SDK's package for Claude refuses an empty one.
      ANTHROPIC_BASE_URL: "http://127.0.0.1:1",
      OPENAI_API_KEY: "",
      OPENAI_BASE_URL: "",
      OLLAMA_BASE_URL: "http://127.0.0.1:1/v1",
    },
    // Vitest's own limit of a second is none for what other processes do on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    // Most of what the tests do is wait for other processes.
    maxWorkers: 3,
  },
})
