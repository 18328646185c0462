import { type ArgumentTest, argumentRules, refusedCalls, unknownCall } from "./policy.ts"
import { listSystemCallNumbers, type Processor } from "./system-calls.ts"

/**
 * Returns the policy as a profile for Docker's `seccomp=` security option, which accepts its JSON.
 * https://docs.docker.com/engine/security/seccomp/
 */
export function createDockerSeccompProfile(): object {
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: unknownCall,
    // 32-bit calls are not allowed, because their numbers have another meaning.
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
    syscalls: [
      { names: listAllowedCalls(), action: "SCMP_ACT_ALLOW" },
      ...[...Map.groupBy(refusedCalls, ([, errno]) => errno)].map(([errnoRet, calls]) => {
        return { names: calls.map(([call]) => call), action: "SCMP_ACT_ERRNO", errnoRet }
      }),
      ...argumentRules.flatMap(({ call, argument, allowedIf }) =>
        createComparisons(allowedIf).map((comparison) => {
          return { names: [call], action: "SCMP_ACT_ALLOW", args: [{ index: argument, ...comparison }] }
        }),
      ),
    ],
  }
}

/**
 * Returns rules, each of which allows a call by itself. If none allows it, the default applies. Docker compares 64
 * bits, of which the kernel may read only the lower half, so only rules that allow are safe: a value to refuse would
 * pass with any bit set in the upper half.
 */
function createComparisons(test: ArgumentTest): object[] {
  switch (test.type) {
    case "oneOf":
      return test.values.map((value) => ({ op: "SCMP_CMP_EQ", value }))
    case "noBitOf":
      return [{ op: "SCMP_CMP_MASKED_EQ", value: test.mask, valueTwo: 0 }]
    case "isNot":
      // The value differs in one of the lower 32 bits.
      return Array.from({ length: 32 }, (_, index) => {
        const bit = 2 ** index
        const isSet = Math.floor(test.value / bit) % 2 === 1
        return { op: "SCMP_CMP_MASKED_EQ", value: bit, valueTwo: isSet ? 0 : bit }
      })
    default:
      return test satisfies never
  }
}

function listAllowedCalls(): string[] {
  const ruled = new Set(argumentRules.map(({ call }) => call))
  const processors: readonly Processor[] = ["x64", "arm64"]
  const names = new Set(processors.flatMap((processor) => [...listSystemCallNumbers(processor).keys()]))
  return [...names].filter((name) => !refusedCalls.has(name) && !ruled.has(name))
}
