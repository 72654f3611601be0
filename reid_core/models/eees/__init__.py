"""The EEES system: CLIP's ResNet with a stem per modality, a GeM head and an attention-pooled one."""
