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
