"""The project's own rules over synthesized templates, where the public packs are silent. Pure: no CDK, no AWS."""
