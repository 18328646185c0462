/**
 * Contract suites and fakes for tests of stores, providers and plugins: `ai-agent-gateway/testing`.
 *
 * @module testing
 */

export { type PluginCase, type PluginHarness, pluginContract } from "./plugin/plugin-contract.ts"
export { testPluginServices } from "./plugin/plugin-services.ts"
export {
  anthropicErrorEvent,
  anthropicErrorReply,
  anthropicEvents,
  serverSentEvent,
} from "./provider/anthropic-wire.ts"
export { providerContract } from "./provider/contract.ts"
export type { ProviderContractCase, ProviderFeature, ProviderHarness } from "./provider/harness.ts"
export {
  type ScriptedProvider,
  type ScriptedStep,
  type ScriptedTurn,
  scriptedProvider,
} from "./provider/scripted-provider.ts"
export {
  type ScriptedUpstream,
  startScriptedUpstream,
  type UpstreamReply,
  type UpstreamRequest,
  type UpstreamStep,
} from "./provider/scripted-upstream.ts"
export { sessionLogContract, sharedSessionLogContract } from "./session-log/contract.ts"
export type { SessionLogHarness } from "./session-log/fixtures.ts"
