/** Methods of run files by their published names. */
const published = new Map([['siamese', 'SiameseIM'], ['mae', 'MAE'], ['mocov3', 'MoCo-v3'], ['dino', 'DINO'], ['ibot', 'iBOT'], ['msn', 'MSN'], ['densecl', 'DenseCL'], ['beit', 'BEiT'], ['dvae', 'dVAE'], ['supervised', 'Supervised']]);

export const methodName = (id: string): string => published.get(id) ?? id;
