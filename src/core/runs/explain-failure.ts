/** Returns the text about a failed run for an operator: its message, with the provider's own one. */
export function explainFailure({
  message,
  providerMessage,
}: {
  readonly message: string
  readonly providerMessage?: string | undefined
}): string {
  return providerMessage === undefined ? message : `${message} Details: ${providerMessage}`
}
