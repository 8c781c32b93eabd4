"""Tier A + our corpus for learning; dev sets for choosing. Labels 0 neg, 1 neu, 2 pos, -1 none."""
import gzip,json,glob,os,re,hashlib,collections,functools
import numpy as np
D='data'; CORPUS='corpus'
LAB={'negative':0,'neutral':1,'positive':2}; NAMES=['negative','neutral','positive']
L14='en es fr de it pt nl pl tr ru ar hi ja zh'.split(); L20=L14+'uk sv da ko vi id'.split()
MARK=re.compile('⟦[a-z]+:([^⟧]*)⟧')
def h(t): return int.from_bytes(hashlib.blake2b(t.encode(),digest_size=4).digest(),'big')
def rows(p):
    with gzip.open(p,'rt',encoding='utf-8') as f:
        for l in f: yield json.loads(l)
def derived(r):
    """Label of a sentence: its own, or the polarity that all its aspects share; 'mixed' where they differ."""
    if r['label'] is not None: return LAB[r['label']]
    s={a['polarity'][:3].lower() for a in r.get('aspects',[])}-{'con'}
    if len(s)==1: return {'neg':0,'neu':1,'pos':2}[s.pop()]
    if not s: return -1
    return -2 if s=={'neg','pos'} or len(s)==3 else -1
def tier_a():
    out=[]
    for n in ('mabsa','nusax'):
        for r in rows(f'{D}/train/{n}.jsonl.gz'): out.append((r['text'],r['lang'],derived(r),r['source']))
    return out
def corpus(part):
    out=[]
    for p in sorted(glob.glob(CORPUS+'/??.tsv')):
        for l in open(p,encoding='utf-8'):
            f=l.rstrip('\n').split('\t')
            if len(f)!=4 or f[0] not in('neg','neu','pos'): continue
            t=MARK.sub(r'\1',f[3]).replace('\\n','\n')
            held=h(t)%5==0
            if held==(part=='held'): out.append((t,os.path.basename(p)[:2],('neg','neu','pos').index(f[0]),'ours'))
    return out
def dev(cap=1500,mabsa_cap=1500,langs=None):
    out=[]
    for p in sorted(glob.glob(D+'/dev/*.gz')):
        n=os.path.basename(p)[:-9]; c=collections.Counter(); k=mabsa_cap if n=='mabsa' else cap
        for r in rows(p):
            if r['label'] is None or (langs and r['lang'] not in langs): continue
            if c[r['lang']]>=k: continue
            c[r['lang']]+=1; out.append((r['text'],r['lang'],LAB[r['label']],n))
    return out
def macro(g,p):
    f=[]
    for c in range(3):
        if (g==c).any(): f.append(2*((g==c)&(p==c)).sum()/max(1,(g==c).sum()+(p==c).sum()))
    return 100*np.mean(f)
def ece(P,g,bins=15):
    c=P.max(1); ok=P.argmax(1)==g; b=np.minimum((c*bins).astype(int),bins-1)
    return sum(abs(ok[b==i].mean()-c[b==i].mean())*(b==i).mean() for i in range(bins) if (b==i).any())
def report(R,P,name='',show=True):
    """R rows, P (n,3). Headline over L14 languages present, with and without mabsa; neutral recall."""
    P=np.asarray(P); p=P.argmax(1); g=np.array([r[2] for r in R]); d=collections.defaultdict(list)
    for i,r in enumerate(R): d[r[3],r[1]].append(i)
    S={k:macro(g[v],p[v]) for k,v in d.items() if len(v)>=30}
    def head(f):
        by=collections.defaultdict(list)
        for (s,l),v in S.items():
            if f(s) and l in L14: by[l].append(v)
        return {l:np.mean(by[l]) for l in L14 if l in by}
    A=head(lambda s:True); B=head(lambda s:s!='mabsa')
    tw=np.array([r[3]=='umsab' for r in R]); o14=np.array([r[1] in L14 for r in R]); ma=np.array([r[3]=='mabsa' for r in R])
    def rec(m): m=m&(g==1); return 100*(p[m]==1).mean() if m.any() else float('nan')
    res=dict(all=np.mean(list(A.values())),nomabsa=np.mean(list(B.values())) if B else 0,neu_rev=rec(~tw&~ma&o14),neu_mabsa=rec(ma&o14),neu_tw=rec(tw&o14),ece=ece(P,g),ece_nomabsa=ece(P[~ma],g[~ma]) if (~ma).any() else 0)
    if show:
        print(f"{name:34s} all {res['all']:.1f} nomabsa {res['nomabsa']:.1f} | neu rev {res['neu_rev']:.0f} mabsa {res['neu_mabsa']:.0f} tw {res['neu_tw']:.0f} | ece {res['ece']:.3f}/{res['ece_nomabsa']:.3f} | "+' '.join(f'{l}{v:.0f}/{B.get(l,0):.0f}' for l,v in A.items()),flush=True)
    res['sets']=S; return res
if __name__=='__main__':
    a=tier_a(); print(len(a),collections.Counter(x[2] for x in a)); print(len(corpus('train')),len(corpus('held'))); print(len(dev(1500,400)),collections.Counter((x[3],x[1]) for x in dev(1500,400)))
