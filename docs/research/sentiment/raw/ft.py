"""LoRA + head on the e5 encoder, jax on the CPU; learns from tier A + our corpus only."""
import os
os.environ['XLA_FLAGS']='--xla_cpu_multi_thread_eigen=%s'%('true' if os.environ.get('MT') else 'false')+' intra_op_parallelism_threads=%s'%os.environ.get('MT','1')
import sys,json,time,random,numpy as np,jax,jax.numpy as jnp,collections
import e5file,enc,data
cfg,_,_,_,W=e5file.load(); H,NH,FF,NL=384,12,1536,12; D=32
R=int(os.environ.get('RANK','8')); N=int(os.environ.get('N','24000')); EP=float(os.environ.get('EP','1')); NAME=os.environ.get('NAME','ft'); LR=float(os.environ.get('LR','1e-3')); WS=int(os.environ.get('WS','2'))
word=e5file.mat(W,'emb.word',cfg['VOC'],H).astype(np.float16)
pos=W['emb.pos'].reshape(-1,H)+W['emb.type'].reshape(-1,H)[0]
K0=int(os.environ.get('K0','6'))
def stack(f): return jnp.asarray(np.stack([f(f'l{l}.') for l in range(K0,NL)]))
base=dict(qkv=stack(lambda P:np.concatenate([e5file.mat(W,P+x+'.w',H,H).T for x in 'qkv'],1)),qkvb=stack(lambda P:np.concatenate([W[P+x+'.b'] for x in 'qkv'])),
  ao=stack(lambda P:e5file.mat(W,P+'ao.w',H,H).T),fi=stack(lambda P:e5file.mat(W,P+'fi.w',FF,H).T),fo=stack(lambda P:e5file.mat(W,P+'fo.w',H,FF).T),
  **{k+'b':stack(lambda P:W[P+k+'.b']) for k in('ao','fi','fo')},**{k:(stack(lambda P:W[P+k+'.w']),stack(lambda P:W[P+k+'.b'])) for k in('aln','oln')})
rng=np.random.default_rng(0)
def lora(i,o): return (jnp.asarray(rng.normal(0,1/np.sqrt(i),(NL-K0,i,R)),jnp.float32),jnp.zeros((NL-K0,R,o),jnp.float32))
par=dict(lora=dict(qkv=lora(H,3*H),ao=lora(H,H),fi=lora(H,FF),fo=lora(FF,H)),w=jnp.zeros((H,3)),b=jnp.zeros(3))
def ln(x,wb):
    m=x.mean(-1,keepdims=True); v=((x-m)**2).mean(-1,keepdims=True); return (x-m)/jnp.sqrt(v+1e-12)*wb[0]+wb[1]
S=2.0
def fwd(par,base,x,mask):
    B,T,_=x.shape; bias=(1-mask)[:,None,None,:]*-1e4
    def layer(x,da):
        d,a=da
        lin=lambda x,k:x@d[k]+d[k+'b']+S*((x@a[k][0])@a[k][1])
        q,k,v=jnp.split(lin(x,'qkv'),3,-1); sp=lambda z:z.reshape(B,T,NH,D).transpose(0,2,1,3)
        s=jax.nn.softmax(sp(q)@sp(k).transpose(0,1,3,2)/np.sqrt(D)+bias,-1)@sp(v)
        x=ln(x+lin(s.transpose(0,2,1,3).reshape(B,T,H),'ao'),d['aln'])
        return ln(x+lin(jax.nn.gelu(lin(x,'fi'),approximate=True),'fo'),d['oln']),None
    x,_=jax.lax.scan(layer,x,(base,par['lora']))
    e=(x*mask[...,None]).sum(1)/mask.sum(1,keepdims=True)
    return e, e@par['w']*4+par['b']
def loss(par,base,x,mask,y,w):
    e,z=fwd(par,base,x,mask); return -(w*(y*jax.nn.log_softmax(z)).sum(-1)).mean()
@jax.jit
def step(par,m,v,t,lr,base,x,mask,y,w):
    L,g=jax.value_and_grad(loss)(par,base,x,mask,y,w)
    m=jax.tree.map(lambda a,b:.9*a+.1*b,m,g); v=jax.tree.map(lambda a,b:.99*a+.01*b*b,v,g)
    c1=1-.9**t; c2=1-.99**t
    par=jax.tree.map(lambda p,a,b:p-lr*((a/c1)/(jnp.sqrt(b/c2)+1e-8)),par,m,v); return par,m,v,L
fj=jax.jit(fwd)
BK=[12,16,24,32,48,64]; TOK=1024
def bucket(n): return next(b for b in BK if n<=b)
def prep(idx,seqs,T,B,drop=0,r=None):
    x=np.zeros((B,T,H),np.float32); m=np.zeros((B,T),np.float32); m[:,0]=1
    for i,k in enumerate(idx):
        n=len(seqs[k]); x[i,:n]=seqs[k]; m[i,:n]=1
        if drop and n>7: m[i,4:n-1]=r.random(n-5)>drop
    return x,m
LOW=enc.session('e5-low6-int8.onnx')
def hidden(texts):
    """States after the lower half of the layers (int8 graph), as f16."""
    q=enc.ids_of(texts,maxlen=64); out=[None]*len(q); o=sorted(range(len(q)),key=lambda i:len(q[i]))
    for i in range(0,len(o),16):
        k=o[i:i+16]; L=len(q[k[-1]]); x=np.full((len(k),L),1,np.int64); m=np.zeros_like(x)
        for j,t in enumerate(k): x[j,:len(q[t])]=q[t]; m[j,:len(q[t])]=1
        z,=LOW.run(['last_hidden_state'],{'input_ids':x,'attention_mask':m})
        for j,t in enumerate(k): out[t]=z[j,:len(q[t])].astype(np.float16)
    return out
def batches(seqs,order):
    q=collections.defaultdict(list)
    for k in order:
        b=bucket(len(seqs[k])); q[b].append(k)
        if len(q[b])==TOK//b: yield b,q.pop(b)
    for b,v in q.items(): yield b,v
def predict(par,seqs):
    Z=np.zeros((len(seqs),3),np.float32); E=np.zeros((len(seqs),H),np.float16)
    for b,idx in batches(seqs,range(len(seqs))):
        x,m=prep(idx,seqs,b,TOK//b); e,z=fj(par,base,x,m); Z[idx]=np.asarray(z)[:len(idx)]; E[idx]=np.asarray(e)[:len(idx)]
    return Z,E
def main():
    MAXL=64
    A=data.tier_a(); r=random.Random(1); r.shuffle(A); cap=N//60; c=collections.Counter(); tr=[]
    for t,l,y,s in A:
        if y<0: continue
        k=(l,y); 
        if c[k]<cap: c[k]+=1; tr.append((t,l,y))
    O=[(t,l,y) for t,l,y,s in data.corpus('train')]; nA=len(tr); tr+=O*WS
    print('train',nA,len(O),np.bincount([x[2] for x in tr]),flush=True)
    seqs=hidden([x[0] for x in tr]); Y=np.eye(3,dtype=np.float32)[[x[2] for x in tr]]*.94+.02
    cy=np.bincount([x[2] for x in tr]); wt=(len(tr)/3/cy)[[x[2] for x in tr]].astype(np.float32)
    V=[x for x in data.dev(200,60,data.L20)]; vs=hidden([x[0] for x in V]); Hd=data.corpus('held')[::2]; hs=hidden([x[0] for x in Hd]); print('hidden done',flush=True); yh=np.array([x[2] for x in Hd])
    global par
    z=lambda: jax.tree.map(jnp.zeros_like,par); m,v=z(),z(); t=0; t0=time.time(); tot=EP*len(tr); seen=0; ls=[]; nxt=0
    def ev():
        Z,_=predict(par,vs); P=np.exp(Z-Z.max(1,keepdims=True)); P/=P.sum(1,keepdims=True); data.report(V,P,f'{NAME} seen {seen} loss {np.mean(ls[-200:] or [0]):.3f} {time.time()-t0:.0f}s')
        Z,_=predict(par,hs); print('    held ours',data.macro(yh,Z.argmax(1)).round(1),flush=True)
        with open(f'{NAME}.npz','wb') as f: np.savez(f,w=par['w'],b=par['b'],**{f'{k}.{j}':np.asarray(q) for k,ab in par['lora'].items() for j,q in zip('ab',ab)})
    ep=0; marks=[tot*f for f in (.25,.5,.75)]
    while seen<tot:
        o=list(range(len(tr))); r.shuffle(o)
        for b,idx in batches(seqs,o):
            B=TOK//b; x,mk=prep(idx,seqs,b,B,.1,rng); y=np.full((B,3),1/3,np.float32); y[:len(idx)]=Y[idx]; w=np.zeros(B,np.float32); w[:len(idx)]=wt[idx]
            t+=1; lr=LR*min(1,t/60)*max(.02,1-seen/tot); par,m,v,L=step(par,m,v,t,lr,base,x,mk,y,w); ls.append(float(L)); seen+=len(idx)
            if t%50==0: print(t,seen,f'{np.mean(ls[-100:]):.3f} {seen/(time.time()-t0):.0f}/s',flush=True)
            if marks and seen>marks[0]: marks.pop(0); ev()
            if seen>=tot: break
    ev()
if __name__=='__main__': main()
