import { createAgent } from "ai-agent-gateway"

export default createAgent(
  "You are a data analyst. Answer with numbers that you have computed with code_execute, and plot them when that helps.",
  {
    codeExecution: {
      // Limits of the code. The defaults are higher.
      memoryMb: 256,
      diskMb: 64,
      maxTimeoutMs: 60_000,
      // Each conversation has its own copy of the file in its working directory.
      files: { "sales.csv": new URL("sales.csv", import.meta.url).pathname },
    },
  },
)
