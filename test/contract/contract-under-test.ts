import { type ContractClient, contractClient } from "./client.ts"
import { startGatewayUnderTest } from "./gateway-under-test.ts"
import { init } from "./operations.ts"

/** A gateway, and a client that checks each response against the gateway's OpenAPI document. */
export interface ContractUnderTest extends Awaited<ReturnType<typeof startGatewayUnderTest>>, ContractClient {
  /** Creates a session of this user. Resolves to its token. */
  newToken(user?: string): Promise<string>
}

export async function startContract(): Promise<ContractUnderTest> {
  const gateway = await startGatewayUnderTest()
  const client = await contractClient(gateway.url)
  return {
    ...gateway,
    ...client,
    async newToken(user = "user") {
      const { bodies } = await client.call(init, { body: { api_key: "key", user_id: user } })
      return String(bodies[0]?.session_token)
    },
  }
}
