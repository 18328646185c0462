/** Maximum milliseconds to find out whether the address is that of an API. */
const timeoutMs = 5_000

/**
 * Returns the address of a gateway's API. `agent-gateway dev` prints the address of the server, without the prefix of
 * the API. An address without a path is therefore completed with the default prefix, unless it is the address of an
 * API itself.
 */
export async function findApi(address: string, signal: AbortSignal): Promise<string> {
  const { origin, pathname } = new URL(address)
  return pathname !== "/" || (await hasApi(origin, signal)) ? address : `${origin}/api`
}

async function hasApi(origin: string, signal: AbortSignal): Promise<boolean> {
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const response = await fetch(`${origin}/health`, { signal: limited })
    await response.body?.cancel()
    return response.ok
  } catch {
    // The first message reports an address that cannot be reached.
    return false
  }
}
