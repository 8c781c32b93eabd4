"""Tokeniser and batched encoder (one thread)."""
import re, unicodedata, numpy as np, onnxruntime as ort
from tokenizers import Tokenizer, models, pre_tokenizers, normalizers, decoders
import e5file
cfg,pieces,scores,norm,_=e5file.load()
NORM={k:v for k,v in norm.items()}
SP=re.compile(' {2,}')
def normalise(t): return SP.sub(' ',unicodedata.normalize('NFC',t).translate(NORM)).strip()
def tokenizer():
    tok=Tokenizer(models.Unigram([(p,float(s)) for p,s in zip(pieces,scores)],unk_id=cfg['unk'],byte_fallback=False))
    tok.pre_tokenizer=pre_tokenizers.Metaspace(replacement='▁',prepend_scheme='always',split=True)
    return tok
TOK=tokenizer()
def ids_of(texts,prefix='query: ',maxlen=128):
    return [[0]+e.ids[:maxlen-2]+[2] for e in TOK.encode_batch([normalise(prefix+t) for t in texts],add_special_tokens=False)]
def session(path,threads=1):
    o=ort.SessionOptions(); o.intra_op_num_threads=threads; o.inter_op_num_threads=1; o.add_session_config_entry('session.intra_op.allow_spinning','0')
    return ort.InferenceSession(path,o,providers=['CPUExecutionProvider'])
def encode(sess,seqs,outs,tokens=1024):
    order=sorted(range(len(seqs)),key=lambda i:len(seqs[i])); res=[np.zeros((len(seqs),cfg['H']),np.float32) for _ in outs]
    i=0
    while i<len(order):
        j=i+1
        while j<len(order) and (j+1-i)*len(seqs[order[j]])<=tokens: j+=1
        idx=order[i:j]; L=len(seqs[idx[-1]])
        x=np.full((len(idx),L),cfg['pad'],np.int64); m=np.zeros_like(x)
        for r,k in enumerate(idx): x[r,:len(seqs[k])]=seqs[k]; m[r,:len(seqs[k])]=1
        for o,v in zip(res,sess.run(outs,{'input_ids':x,'attention_mask':m})): o[idx]=v
        i=j
    return res
