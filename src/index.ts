// Everything that applications import. Each file of `exports/` lists the names of one topic.

export * from "./exports/gateway.ts"
export * from "./exports/headless.ts"
export * from "./exports/log.ts"
export * from "./exports/plugins.ts"
export * from "./exports/providers.ts"
export * from "./exports/runners.ts"
export * from "./exports/stores.ts"
export * from "./exports/tools.ts"
