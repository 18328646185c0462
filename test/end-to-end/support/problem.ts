export interface ProblemDocument {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors?: readonly { readonly path: string; readonly message: string }[]
}

/** Resolves to the document of a response that must be a problem. */
export async function problemOf(response: Response): Promise<ProblemDocument> {
  const type = response.headers.get("content-type")
  const text = await response.text()
  if (type !== "application/problem+json") {
    throw new Error(`${response.status} is no problem document: ${type} ${text}`)
  }
  const document = JSON.parse(text) as ProblemDocument
  if (document.status !== response.status) throw new Error(`The status was ${response.status}: ${text}`)
  return document
}
