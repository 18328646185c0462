import type { WireClient } from "../http/wire-client.ts"
import type { ServedWires } from "../http/wire-routes.ts"
import { agUiRoutes } from "../wires/ag-ui/ag-ui-routes.ts"
import { aiSdkRoutes } from "../wires/ai-sdk/ai-sdk-routes.ts"
import { nativeRoutes } from "../wires/native/native-routes.ts"
import { openAiRoutes } from "../wires/openai/openai-routes.ts"
import type { ResolvedWires } from "./options/wires-options.ts"

/** Lists the protocols that the gateway speaks. A further one needs a line here, and its key in `WiresOptions`. */
export function listWires({ aiSdk, agUi, openAi, custom }: ResolvedWires): ServedWires {
  const optional = [
    ...(aiSdk ? [aiSdkRoutes] : []),
    ...(agUi ? [agUiRoutes] : []),
    ...(openAi ? [openAiRoutes] : []),
  ]
  return { builtIn: [nativeRoutes, ...optional], custom }
}

/** Lists the protocols beside the gateway's own, with their paths on its own server. */
export function listWireClients(options: ResolvedWires, prefix: string): readonly WireClient[] {
  return listWires(options).builtIn.flatMap(({ client, hasRootAlias = false }) => {
    if (client === undefined) return []
    const path = hasRootAlias || prefix === "/" ? client.path : `${prefix}${client.path}`
    return [{ name: client.name, path }]
  })
}
