import type { ServedWires } from "../http/wire-routes.ts"
import { aiSdkRoutes } from "../wires/ai-sdk/ai-sdk-routes.ts"
import { nativeRoutes } from "../wires/native/native-routes.ts"
import { openAiRoutes } from "../wires/openai/openai-routes.ts"
import type { ResolvedWires } from "./options/wires-options.ts"

/** Lists the protocols that the gateway speaks. A further one needs a line here, and its key in `WiresOptions`. */
export function listWires({ aiSdk, openAi, custom }: ResolvedWires): ServedWires {
  const builtIn = [nativeRoutes, ...(aiSdk ? [aiSdkRoutes] : []), ...(openAi ? [openAiRoutes] : [])]
  return { builtIn, custom }
}
