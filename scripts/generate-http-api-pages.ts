// Writes the pages of the HTTP API into site/api/http/, from the OpenAPI document that the gateway serves.
import { mkdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { ApiDocument } from "./http-api-pages/document.ts"
import { httpApiPages } from "./http-api-pages/pages.ts"
import { openApiDocument } from "./openapi-document.ts"

const folder = join(import.meta.dirname, "../site/api/http")

await rm(folder, { recursive: true, force: true })
await mkdir(folder, { recursive: true })
const pages = httpApiPages((await openApiDocument()) as ApiDocument)
for (const [name, text] of Object.entries(pages)) await writeFile(join(folder, name), text)
