import { configDefaults, defineConfig } from "vitest/config"
import { filesOfTwoForms, longFiles } from "./test/long-tests.ts"
import { LongestFirst } from "./test/longest-first.ts"
import { patienceMs, testLimitMs } from "./test/patience.ts"
import { UntestedReporter } from "./test/untested-reporter.ts"

const longOnly = Object.keys(longFiles)

export default defineConfig(({ mode }) => ({
  test: {
    include: mode === "long" ? [...longOnly, ...filesOfTwoForms] : ["src/**/*.test.ts", "test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...(mode === "long" ? [] : longOnly)],
    reporters: ["default", new UntestedReporter()],
    globalSetup: "test/global-setup.ts",
    setupFiles: "test/setup-waits.ts",
    testTimeout: testLimitMs,
    hookTimeout: testLimitMs,
    // Tests know nothing of the models that this machine has keys for, or runs.
    env: {
      AGENT_GATEWAY_TESTS: mode === "long" ? "long" : "short",
      ANTHROPIC_API_KEY: "",
      ANTHROPIC_AUTH_TOKEN: "",
      // The AI SDK's package for Claude refuses an empty one.
      ANTHROPIC_BASE_URL: "http://127.0.0.1:1",
      OPENAI_API_KEY: "",
      OPENAI_BASE_URL: "",
      OLLAMA_BASE_URL: "http://127.0.0.1:1/v1",
    },
    expect: { poll: { timeout: patienceMs } },
    sequence: { sequencer: LongestFirst },
    // A worker runs many files. A new one for each file, which loads the modules again, would take a third of the CPU time
    // of the unit tests. A file therefore restores what it changes in its process.
    isolate: false,
    // Most of what the tests do is wait for other processes.
    maxWorkers: 6,
  },
}))
