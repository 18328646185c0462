import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { expect, it, onTestFinished } from "vitest"
import { createImageReader, type ReadImagesOptions } from "./read-images.ts"

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
const image = { type: "image", source: { type: "base64", mediaType: "image/png", data: png } }
const owner = { tenant: "t", userId: "ada" }

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function read(
  urls: readonly string[],
  options: Partial<ReadImagesOptions> = {},
  signal = new AbortController().signal,
) {
  const readImages = createImageReader({ maxBytes: 1_000, allowPrivateAddresses: true, ...options })
  return readImages(
    urls.map((url, index) => ({ url, path: `images.${index}` })),
    { owner, signal },
  )
}

/** Returns the expectation of a refusal whose only error is that of the image. */
const refused = (message: string | RegExp, path = "images.0") =>
  expect.objectContaining({
    status: 422,
    code: "image_not_usable",
    members: { errors: [{ path, message: expect.stringMatching(message) }] },
  })

it("returns data URLs and downloaded images in their order, with the type of their content", async () => {
  const url = await serve((_request, response) => {
    response.setHeader("content-type", "text/html").end(Buffer.from(png, "base64"))
  })
  expect(await read([`data:image/jpeg;base64,${png}`, `${url}/a`, `DATA:;base64,${png}`])).toEqual([
    image,
    image,
    image,
  ])
})

it.each([
  ["data:image/png,abc", /data URL with base64/],
  ["data:image/png;base64,a", /data URL with base64/],
  [`data:image/png;base64,${Buffer.from("no image").toString("base64")}`, /not a complete/],
  ["file:///etc/passwd", /Expected a data URL/],
  ["http://", /Expected a data URL/],
  [`https://example.org/${"a".repeat(9_000)}`, /Expected a data URL/],
])("refuses %.50s", async (url, message) => {
  await expect(read([url])).rejects.toEqual(refused(message))
})

it.each([
  "http://127.0.0.1:1/",
  "http://[::1]:1/",
  "http://localhost:1/",
  "http://169.254.169.254/",
  "http://0x7f.1/",
])("never connects to the private address %s", async (url) => {
  await expect(read([url], { allowPrivateAddresses: false })).rejects.toEqual(refused(/not public/))
})

it("follows no redirect", async () => {
  const requested: (string | undefined)[] = []
  const url = await serve(({ url: path }, response) => {
    requested.push(path)
    response.writeHead(302, { location: "/other" }).end()
  })
  await expect(read([`data:image/png;base64,${png}`, url])).rejects.toEqual(refused(/status 302/, "images.1"))
  expect(requested).toEqual(["/"])
})

it("stops a download at the limit of all images together", async () => {
  const closed = Promise.withResolvers<void>()
  const url = await serve((request, response) => {
    if (request.url === "/small") return response.end(Buffer.from(png, "base64"))
    response.on("close", closed.resolve)
    const more = () => response.write(Buffer.alloc(65_536), () => response.destroyed || more())
    more()
  })
  await expect(read([`${url}/small`, `${url}/endless`])).rejects.toEqual(refused(/at most/, "images.1"))
  await closed.promise
})

it("ends a download when the request ends", async () => {
  const leaving = new AbortController()
  const url = await serve(() => leaving.abort())
  await expect(read([url], {}, leaving.signal)).rejects.toEqual(refused(/not be downloaded/))
})

it("reports a server that cannot be reached", async () => {
  await expect(read(["http://127.0.0.1:1/"])).rejects.toEqual(refused(/not be downloaded/))
})

it("refuses more images than a model receives", async () => {
  const urls = Array.from({ length: 21 }, () => `data:image/png;base64,${png}`)
  await expect(read(urls)).rejects.toEqual(refused(/at most 20 images/, "images.20"))
})

it("bounds the requests of one user that download at once", async () => {
  const gate = Promise.withResolvers<void>()
  const url = await serve(async (_request, response) => {
    await gate.promise
    response.end(Buffer.from(png, "base64"))
  })
  const readImages = createImageReader({ maxBytes: 1_000, allowPrivateAddresses: true })
  const { signal } = new AbortController()
  const start = (userId: string) =>
    readImages([{ url, path: "0" }], { owner: { tenant: "t", userId }, signal })
  const reading = Array.from({ length: 4 }, () => start("ada"))
  await expect(start("ada")).rejects.toMatchObject({ status: 429, code: "too_many_downloads" })
  reading.push(start("bob"))
  gate.resolve()
  expect(await Promise.all(reading)).toEqual(Array(5).fill([image]))
  expect(await start("ada")).toEqual([image])
})
