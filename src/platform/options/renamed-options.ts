/**
 * Advice for options of the Python package 0.5.3 that have no single option of a similar name here. It is shown where
 * such an option is refused.
 */
const advice: ReadonlyMap<string, string> = new Map([
  [
    "briefingFile",
    "use sendFile to send a file that the agent wrote to Telegram, or writeFile to write the text to a file",
  ],
  ["telegramBotToken", "use telegram: { botToken }"],
  ["telegramChatId", "use telegram: { chatId }"],
  ["telegramLabel", "use telegram: { label }"],
  ["webhookUrl", "use webhook: { url }"],
  ["baseUrl", "use baseURL"],
  ["retryConfig", "use maxRetries, backoffSeconds, retryOnTimeout and onRetry"],
  ["runFn", "use run"],
  ["backoffSteps", "use backoffSeconds"],
  [
    "systemPrompt",
    "it is the first argument of createAgent and runAutonomous, system of sendPrompt, and a field of a runtime",
  ],
  ["initialMessage", "it is the second argument of runAutonomous"],
  ["prompt", "it is the first argument of sendPrompt"],
  ["stateDir", "it is an option of runAutonomous, and of config of HeartbeatLoop"],
  ["stateFile", "it is an option of runAutonomous"],
  ["timeoutSeconds", "it is an option of runAutonomous and of subAgents"],
  ["sessionId", "it is an option of runAutonomous and of gateway.run"],
  ["authConfig", "use provider, apiKey, authToken, model, maxTokens and providerConfig"],
  ["clientTimeout", "use firstTokenTimeoutSeconds"],
  ["perTurnTimeout", "use stepTimeoutSeconds"],
  ["modelOverride", "use model"],
  ["toolHandlers", "use tools, made by tool()"],
  ["toolDefinitions", "use tools, made by tool()"],
  ["getToolDefinitions", "use tools"],
  ["localToolHandlers", "use tools of the agent"],
  ["mcpClient", "use mcpServers or mcpConfigPath of the agent"],
  ["mcpSessionInjectServers", "use mcpSessionInjectServers of the agent"],
  ["skillLoader", "use skillsDir of the agent"],
  ["outputsDir", "use subAgents: { outputsDir }"],
  ["maxConcurrentSubAgents", "use subAgents: { maxConcurrent }"],
  ["defaultModel", "use model of the agent"],
  ["defaultMaxTokens", "use maxTokens of the agent"],
  ["defaultMaxTurns", "use maxTurns"],
  ["defaultTimeout", "use timeoutSeconds"],
  ["allowedModels", "use models"],
  ["maxTokensOverride", "use maxTokens"],
  ["streamStallTimeout", "use stallTimeoutSeconds"],
  ["toolCallTimeout", "use toolTimeoutMs, in milliseconds"],
  ["loadedMcpServers", "use mcpAllowedServers"],
  ["subAgentConfig", "use subAgents: { … }"],
  ["eventLog", "use onEvent"],
  ["dispatcher", "use needsApproval, interceptors, and qualifier of a tool"],
  ["handler", "use execute"],
  ["dbPath", "use store of the gateway"],
  ["embeddingFn", "use embeddings"],
  ["compactionTrigger", "use compaction: { trigger }"],
  ["compactionInstructions", "use compaction: { instructions }"],
  ["authManager", "use validApiKeys or authenticate, and jwtSecret"],
  ["sdkConfig", "use claudeAgentRunner as the runner of a runtime"],
  ["logName", "use logger"],
  ["buildRunner", "use the other options of the runtime, or runner for your own loop"],
  ["buildDispatcher", "use needsApproval, interceptors, and qualifier of a tool"],
  ["executionLocation", 'use executionLocation: "client" of a tool'],
  ["postRunnerInit", "leave it out, because there is no runner object"],
  ["runnerRef", "leave it out, because there is no runner object"],
  ["codeExecutionConfig", "use codeExecution: { … }"],
  ["dockerImage", "use image"],
  ["registerDocker", 'use backends: ["docker"]'],
  ["registerSubprocess", 'use backends: ["subprocess"]'],
  ["preambleSuffix", "use preamble: { python }"],
  ["buildPreamble", "use preamble: { python }, which is a text"],
  ["extraEnv", "use env"],
  ["workDirRoot", "use directory"],
  ["workDirPrefix", "use directory; the gateway names the folders in it"],
  ["maxImageBase64Bytes", "use maxImageBytes, the size of the file"],
  ["toolDescriptionSuffix", "use descriptionSuffix"],
])

/** Returns the name in the style of this package: `stateDir` for `state_dir`. */
export function toCamelCase(name: string): string {
  return name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

/** Returns advice for an option of the Python package, in either style. Null if there is none. */
export function findAdvice(name: string): string | null {
  return advice.get(toCamelCase(name)) ?? null
}
