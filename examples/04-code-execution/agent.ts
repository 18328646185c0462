import { createAgent } from "ai-agent-gateway"

export default createAgent(
  "You are a data analyst. Answer with numbers that you have computed with code_execute, and plot them when that helps.",
  {
    codeExecution: {
      // Code may take this much; the defaults are larger.
      memoryMb: 256,
      diskMb: 64,
      maxTimeoutMs: 60_000,
      // Each conversation finds its own copy in its working directory.
      files: { "sales.csv": new URL("sales.csv", import.meta.url).pathname },
    },
  },
)
