/** BEiT's encoder by its own parameters (Bao et al., ICLR 2022), for what pre-trains it and what fine-tunes it. */
import type { ParameterSpec } from '../nn/parameters.ts';

/** An encoder's parameters by BEiT's names: no bias for keys, layer scales called gamma, and the last layer of each branch smaller the deeper it is. */
export function beitSpecs(specs: ParameterSpec[], width: number): ParameterSpec[] {
  return specs.flatMap((spec): ParameterSpec[] => {
    const { name } = spec;
    if (name.endsWith('attn.qkv.bias')) return ['q_bias', 'v_bias'].map((bias) => ({ ...spec, name: name.replace('qkv.bias', bias), shape: [width] }));
    const deep = /^blocks\.(\d+)\.(attn\.proj|mlp\.fc2)\.weight$/.exec(name);
    if (deep) return [{ ...spec, initializer: { kind: 'normal', std: 0.02 / Math.sqrt(2 * (Number(deep[1]) + 1)) } }];
    if (/^(cls_token|pos_embed)$/.test(name)) return [{ ...spec, decay: false }];
    return [{ ...spec, name: name.replace('ls1.gamma', 'gamma_1').replace('ls2.gamma', 'gamma_2') }];
  });
}
