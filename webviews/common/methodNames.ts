/** Methods of run files by their published names. */
export const methodNames: Readonly<Record<string, string>> = { siamese: 'SiameseIM', mae: 'MAE', mocov3: 'MoCo-v3', 'mocov3-mask': 'MoCo-v3 with mask', dino: 'DINO', ibot: 'iBOT', msn: 'MSN', densecl: 'DenseCL', beit: 'BEiT', dvae: 'dVAE', supervised: 'Supervised' };
