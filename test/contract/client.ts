import { type Answer, type Contract, type OpenApiDocument, openApiContract } from "./openapi-contract.ts"

export interface Call {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Values of the path's parameters. Default: the name of each parameter. */
  readonly params?: Readonly<Record<string, string>>
  /** JSON body. A string is sent unchanged. */
  readonly body?: unknown
  /** Sends the request. Default: over HTTP. */
  readonly through?: (request: Request) => Promise<Response>
}

/**
 * Sends requests, which are named like `POST /chat`, and checks the responses against the server's own OpenAPI
 * document.
 */
export interface ContractClient {
  readonly document: OpenApiDocument
  readonly contract: Contract
  /** Every response so far, in the form `POST /chat 409`. */
  readonly answered: Set<string>
  /** Every problem so far, in the form `409 run_active`. */
  readonly problems: Set<string>
  call(operation: string, options?: Call): Promise<Answer>
  /** Sends the request, without the check of `call`. */
  send(operation: string, options?: Call): Promise<Response>
  /** Checks a response of `send`. */
  check(operation: string, response: Response): Promise<Answer>
}

export async function contractClient(url: string): Promise<ContractClient> {
  const document = (await (await fetch(`${url}/api/openapi.json`)).json()) as OpenApiDocument
  const contract = openApiContract(document, "/api")
  const answered = new Set<string>()
  const problems = new Set<string>()

  async function check(operation: string, response: Response): Promise<Answer> {
    const [method = "", target = ""] = operation.split(" ")
    const path = target.replace(/\?.*/, "")
    const answer = await contract.check({ method, path }, response)
    answered.add(`${method} ${path} ${answer.status}`)
    if (answer.code !== null) problems.add(`${answer.status} ${answer.code}`)
    return answer
  }

  function send(operation: string, options: Call = {}): Promise<Response> {
    const { token, headers, params = {}, body, through = fetch } = options
    const [method = "", template = ""] = operation.split(" ")
    const path = template.replace(/\{(\w+)\}/g, (whole, name: string) => params[name] ?? whole)
    return through(
      new Request(`${url}/api${path}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    )
  }

  return {
    document,
    contract,
    answered,
    problems,
    send,
    check,
    call: async (operation, options) => check(operation, await send(operation, options)),
  }
}
